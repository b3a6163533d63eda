# Reference numbers for cumulative incidence, event-free survival and days lost.
#
#   Rscript competing_risks.R DATA
#
# DATA is a folder that holds okiss.csv (R package compeir; one row a patient: time, status with
# 1 = bloodstream infection, 2 = end of neutropenia, 7 = death, 11 = censored, and allo).
# Writes competing_risks_made_up.csv (a made-up data set, the input of the second half) and
# competing_risks_reference.csv beside this script's working directory.
#
# survival: Aalen-Johansen with infinitesimal-jackknife standard errors, with and without weights,
# the areas under the curves, and Kaplan-Meier with Greenwood standard errors.
# etm: Aalen-Johansen with Greenwood-type standard errors, with delayed entry.
#
# The clock is shifted by one day inside (time = day + 1) so that a follow-up from day 0, which
# includes day 0, is the interval (0, day + 1] that these packages expect.

library(survival)
library(etm)

rows <- list()
keep <- function(data, analysis, cause, day, estimate, standard_error) {
  rows[[length(rows) + 1]] <<- data.frame(
    data = data, analysis = analysis, cause = cause, day = day,
    estimate = format(estimate, digits = 17), standard_error = format(standard_error, digits = 17))
}

jackknife <- function(data, name, causes, taus, analysis = "jackknife", weights = NULL) {
  data$state <- factor(data$cause, 0:length(causes), c("censored", causes))
  data$w <- if (is.null(weights)) 1 else weights
  data$id <- seq_len(nrow(data))
  fit <- survfit(Surv(exit + 1, state) ~ 1, data = data, id = id, weights = w, influence = 1)
  used <- fit$n.event |> rowSums() > 0
  for (k in seq_along(causes)) {
    keep(name, analysis, causes[k], fit$time[used] - 1,
         fit$pstate[used, k + 1], fit$std.err[used, k + 1])
    # Influence of each person on the curve, before the first and after every day of the fit. The
    # curve is a step function, so its area to tau is the sum of its values on days 0 .. tau - 1.
    # summary(fit, rmean) gives the same without weights; with weights it leaves them out.
    influence <- fit$influence.pstate[, , k + 1] * data$w
    for (tau in taus) {
      at <- findInterval(seq_len(tau), fit$time) + 1
      curve <- c(0, fit$pstate[, k + 1])[at]
      keep(name, paste(analysis, "area"), causes[k], tau,
           sum(curve), sqrt(sum(rowSums(influence[, at])^2)))
    }
  }
  km <- survfit(Surv(exit + 1, cause > 0) ~ 1, data = data)
  if (is.null(weights)) {
    used <- km$n.event > 0 & km$surv > 0
    keep(name, "kaplan-meier", "any", km$time[used] - 1, km$surv[used],
         (km$std.err * km$surv)[used])
  }
}

multinomial <- function(data, name, causes) {
  long <- data.frame(id = seq_len(nrow(data)), from = "0",
                     to = ifelse(data$cause == 0, "cens", as.character(data$cause)),
                     entry = ifelse(data$entry == 0, 0, data$entry + 1), exit = data$exit + 1)
  states <- as.character(0:length(causes))
  possible <- matrix(FALSE, length(states), length(states))
  possible[1, -1] <- TRUE
  fit <- etm(long, states, possible, "cens", 0, covariance = TRUE)
  for (k in seq_along(causes)) {
    cell <- paste(0, k)
    keep(name, "greenwood", causes[k], fit$time - 1, fit$est["0", as.character(k), ],
         sqrt(fit$cov[cell, cell, ]))
  }
}

folder <- commandArgs(trailingOnly = TRUE)[1]
okiss <- read.csv(file.path(folder, "okiss.csv"))
okiss$cause <- match(okiss$status, c(1, 2, 7), nomatch = 0)
okiss$exit <- okiss$time
okiss$entry <- 0
names_okiss <- c("infection", "recovery", "death")
for (group in 0:1) {
  part <- okiss[okiss$allo == group, ]
  name <- c("okiss autologous", "okiss allogeneic")[group + 1]
  jackknife(part, name, names_okiss, c(10, 30))
  multinomial(part, name, names_okiss)
}

set.seed(20250)
n <- 150
exit <- pmin(rgeom(n, 0.05), 55)
made_up <- data.frame(
  exit = exit,
  cause = sample(0:3, n, replace = TRUE, prob = c(0.3, 0.35, 0.2, 0.15)),
  weight = round(rexp(n) + 0.1, 3))
late <- runif(n) < 0.35 & exit > 1
made_up$entry <- ifelse(late, pmin(rgeom(n, 0.15) + 1, exit - 1), 0)
write.csv(made_up[, c("entry", "exit", "cause", "weight")], "competing_risks_made_up.csv",
          row.names = FALSE, quote = FALSE)
names_made_up <- c("a", "b", "c")
jackknife(made_up, "made up", names_made_up, c(7, 20, 40))
jackknife(made_up, "made up", names_made_up, c(7, 20), "weighted jackknife", made_up$weight)
multinomial(made_up, "made up with delayed entry", names_made_up)

write.csv(do.call(rbind, rows), "competing_risks_reference.csv", row.names = FALSE, quote = FALSE)
cat("survival", as.character(packageVersion("survival")), "etm",
    as.character(packageVersion("etm")), R.version.string, "\n")
