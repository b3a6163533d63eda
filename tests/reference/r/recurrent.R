# Reference numbers for the mean cumulative count, with and without death.
#
#   Rscript recurrent.R DATA
#
# DATA is a folder that holds cgd.csv (R package survival: recurrent infections in chronic
# granulomatous disease, counting-process rows). Writes, in the working directory, the made-up
# inputs recurrent_made_up_persons.csv and recurrent_made_up_events.csv, and recurrent_reference.csv.
#
# survival: mean cumulative function without a terminal event, robust standard errors.
# mets: Ghosh-Lin mean with a terminal event (recurrentMarginal), on data with at most one event,
#   death or exit a day, since mets takes tied events one after the other.
# direct: the formula of Ghosh & Lin (Biometrics 2000;56:554-562) written out person by person and
#   day by day, with ties and delayed entry.
# derivative: the same estimate, standard error from numerical derivatives with respect to the
#   weight of each person.

library(survival)
suppressMessages(library(mets))

rows <- list()
keep <- function(data, analysis, day, estimate, standard_error) {
  rows[[length(rows) + 1]] <<- data.frame(
    data = data, analysis = analysis, day = day,
    estimate = format(estimate, digits = 17), standard_error = format(standard_error, digits = 17))
}

cgd <- read.csv(file.path(commandArgs(trailingOnly = TRUE)[1], "cgd.csv"))
for (arm in c("placebo", "rIFN-g")) {
  fit <- survfit(Surv(tstart, tstop, status) ~ 1, data = cgd[cgd$treat == arm, ], id = id)
  used <- fit$n.event > 0
  keep(paste("cgd", arm), "survival", fit$time[used], fit$cumhaz[used], fit$std.chaz[used])
}

make_up <- function(seed, n, last, late) {
  set.seed(seed)
  frailty <- rgamma(n, 1.5, 1.5)
  exit <- pmin(rgeom(n, 0.04), last)
  died <- runif(n) < 0.6
  entry <- ifelse(runif(n) < late & exit > 1, pmin(rgeom(n, 0.2) + 1, exit - 1), 0)
  events <- do.call(rbind, lapply(seq_len(n), function(i) {
    from <- if (entry[i] == 0) 0 else entry[i] + 1
    days <- from:exit[i]
    count <- rpois(length(days), 0.08 * frailty[i])
    # Some events fall on the very day of death.
    if (died[i] && i %% 3 == 0) count[length(count)] <- 1
    data.frame(person = rep(i, sum(count)), day = rep(days, count))
  }))
  list(persons = data.frame(person = seq_len(n), entry = entry, exit = exit, died = as.integer(died)),
       events = events)
}

make_up_without_ties <- function(seed, n, last) {
  set.seed(seed)
  free <- sample(last)
  exit <- free[seq_len(n)]
  free <- free[-seq_len(n)]
  person <- sample(n, length(free), replace = TRUE, prob = rgamma(n, 1, 1))
  kept <- free < exit[person] & runif(length(free)) < 0.7
  list(persons = data.frame(person = seq_len(n), entry = 0, exit = exit,
                            died = as.integer(runif(n) < 0.6)),
       events = data.frame(person = person[kept], day = free[kept]))
}

mean_count <- function(p, e, w = rep(1, nrow(p)), last = max(p$exit)) {
  at_risk <- outer(seq_len(nrow(p)), 0:last, function(i, d)
    (p$entry[i] == 0 | d > p$entry[i]) & d <= p$exit[i])
  count <- matrix(0, nrow(p), last + 1)
  for (j in seq_len(nrow(e))) {
    i <- match(e$person[j], p$person)
    count[i, e$day[j] + 1] <- count[i, e$day[j] + 1] + 1
  }
  death <- outer(seq_len(nrow(p)), 0:last, function(i, d) p$died[i] == 1 & p$exit[i] == d)
  y <- colSums(w * at_risk)
  rate <- colSums(w * count) / y
  hazard <- colSums(w * death) / y
  before <- c(1, cumprod(1 - hazard))[seq_len(last + 1)]
  list(mean = cumsum(before * rate), before = before, rate = rate, hazard = hazard, y = y,
       at_risk = at_risk, count = count, death = death)
}

direct <- function(p, e) {
  m <- mean_count(p, e)
  days <- seq_along(m$mean)
  square <- sapply(days, function(t) {
    u <- seq_len(t)
    influence <- sapply(seq_len(nrow(p)), function(i) {
      d_event <- m$count[i, u] - m$at_risk[i, u] * m$rate[u]
      d_death <- m$death[i, u] - m$at_risk[i, u] * m$hazard[u]
      sum(m$before[u] / m$y[u] * d_event) - sum((m$mean[t] - m$mean[u]) / m$y[u] * d_death)
    })
    sum(influence^2)
  })
  list(mean = m$mean, error = sqrt(square))
}

derivative <- function(p, e) {
  step <- 1e-4
  influence <- sapply(seq_len(nrow(p)), function(i) {
    shift <- step * (seq_len(nrow(p)) == i)
    (mean_count(p, e, 1 + shift)$mean - mean_count(p, e, 1 - shift)$mean) / (2 * step)
  })
  sqrt(rowSums(influence^2))
}

ghosh_lin_mets <- function(p, e) {
  long <- do.call(rbind, lapply(seq_len(nrow(p)), function(i) {
    own <- sort(e$day[e$person == p$person[i]])
    data.frame(id = i, start = c(-1, own), stop = c(own, p$exit[i]),
               status = c(rep(1, length(own)), ifelse(p$died[i] == 1, 2, 0)))
  }))
  recurrent <- phreg(Surv(start, stop, status == 1) ~ cluster(id), data = long)
  death <- phreg(Surv(start, stop, status == 2) ~ cluster(id), data = long)
  fit <- recurrentMarginal(recurrent, death)
  list(day = fit$times, mean = fit$mu, error = fit$se.mu)
}

inputs <- list("made up without ties" = make_up_without_ties(1, 40, 150),
               "made up with ties" = make_up(2, 60, 30, 0),
               "made up with delayed entry" = make_up(3, 80, 30, 0.4))
for (name in names(inputs)) {
  p <- inputs[[name]]$persons
  e <- inputs[[name]]$events
  written <- direct(p, e)
  days <- seq_along(written$mean) - 1
  moved <- days %in% e$day
  keep(name, "direct", days[moved], written$mean[moved], written$error[moved])
  keep(name, "derivative", days[moved], written$mean[moved], derivative(p, e)[moved])
  if (name == "made up without ties") {
    fit <- ghosh_lin_mets(p, e)
    keep(name, "mets", fit$day, fit$mean, fit$error)
  }
}

stack <- function(part) do.call(rbind, lapply(names(inputs), function(name)
  cbind(data = name, inputs[[name]][[part]])))
write.csv(stack("persons"), "recurrent_made_up_persons.csv", row.names = FALSE, quote = FALSE)
write.csv(stack("events"), "recurrent_made_up_events.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, rows), "recurrent_reference.csv", row.names = FALSE, quote = FALSE)
cat("survival", as.character(packageVersion("survival")), "mets",
    as.character(packageVersion("mets")), R.version.string, "\n")
