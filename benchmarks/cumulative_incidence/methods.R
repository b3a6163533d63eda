# Usage: Rscript methods.R METHOD DATA.csv. Prints seconds, then group,day,estimate of cause 1.
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[2])
shown <- c(30, 100, 365)
if (arguments[1] == "R survival") {
  suppressMessages(library(survival))
  state <- factor(data$cause, levels = 0:max(data$cause))
  seconds <- system.time(fit <- survfit(Surv(data$day, state) ~ data$group))[["elapsed"]]
  values <- summary(fit, times = shown, extend = TRUE)
  estimate <- values$pstate[, 2]
} else {
  suppressMessages(library(cmprsk))
  seconds <- system.time(fit <- cuminc(data$day, data$cause, data$group))[["elapsed"]]
  first <- paste(sort(unique(data$group)), 1)
  estimate <- as.vector(t(timepoints(fit[first], shown)$est))
}
cat(seconds, "\n")
groups <- rep(sort(unique(data$group)), each = length(shown))
write.table(data.frame(groups, rep(shown, length(unique(data$group))), estimate),
            sep = ",", row.names = FALSE, col.names = FALSE)
