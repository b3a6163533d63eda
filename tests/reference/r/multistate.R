# Reference numbers for state occupation probabilities and days spent in a state.
#
#   Rscript multistate.R DATA
#
# DATA is a folder that holds sir_cont.csv (R package etm: nosocomial pneumonia in intensive care;
# states 0 = admitted, 1 = ventilated, 2 = left or died, "cens"). Its times hold halves, so the
# clock here is half-days: day = 2 * time. Writes, in the working directory, the made-up input
# multistate_made_up.csv and multistate_reference.csv.
#
# etm: transition probabilities with Greenwood-type covariances, separately by starting state.
# survival: occupation probabilities of the whole cohort (its standard errors are of another kind,
#   so only the estimates are kept).
# area: days in a state, with a delta-method standard error from numerical derivatives.
# The made-up clock is shifted by one (time = day + 1), so that (0, 1] is day 0.

library(etm)
library(survival)

rows <- list()
keep <- function(data, analysis, state, day, estimate, standard_error = NA) {
  rows[[length(rows) + 1]] <<- data.frame(
    data = data, analysis = analysis, state = state, day = day,
    estimate = format(estimate, digits = 17), standard_error = format(standard_error, digits = 17))
}

by_start <- function(long, name, possible, starts) {
  states <- rownames(possible)
  fit <- etm(long, states, possible, "cens", 0, covariance = TRUE)
  for (from in starts) for (to in states) {
    cell <- paste(from, to)
    keep(name, paste("etm from", from), to, fit$time, fit$est[from, to, ],
         sqrt(pmax(fit$cov[cell, cell, ], 0)))
  }
}

# Days spent in a state from one starting state. The standard error is the delta method: the area
# is differentiated numerically with respect to every probability of every day's multinomial.
areas <- function(at_risk, moves, start, state, tau) {
  k <- ncol(at_risk)
  all <- lapply(seq_len(tau), function(day) {
    m <- diag(k)
    for (h in seq_len(k)) if (at_risk[day, h] > 0) {
      m[h, ] <- moves[day, h, ] / at_risk[day, h]
      m[h, h] <- 1 - sum(m[h, -h])
    }
    m
  })
  value <- function(matrices) {
    now <- as.numeric(seq_len(k) == start)
    total <- 0
    for (m in matrices) {
      now <- as.numeric(now %*% m)
      total <- total + now[state]
    }
    total
  }
  variance <- 0
  for (day in seq_len(tau)) for (h in seq_len(k)) if (at_risk[day, h] > 0) {
    probability <- all[[day]][h, ]
    gradient <- sapply(seq_len(k), function(j) {
      up <- all
      down <- all
      up[[day]][h, j] <- up[[day]][h, j] + 1e-3
      down[[day]][h, j] <- down[[day]][h, j] - 1e-3
      (value(up) - value(down)) / 2e-3
    })
    spread <- (diag(probability) - outer(probability, probability)) / at_risk[day, h]
    variance <- variance + sum(gradient * (spread %*% gradient))
  }
  c(value(all), sqrt(variance))
}

sir <- read.csv(file.path(commandArgs(trailingOnly = TRUE)[1], "sir_cont.csv"))
sir <- sir[order(sir$id, sir$time), ]
sir$entry <- ave(sir$time, sir$id, FUN = function(x) c(0, x[-length(x)]))
long <- data.frame(id = sir$id, from = as.character(sir$from), to = as.character(sir$to),
                   entry = 2 * sir$entry, exit = 2 * sir$time)
possible <- matrix(c(FALSE, TRUE, TRUE, TRUE, FALSE, TRUE, FALSE, FALSE, FALSE), 3, byrow = TRUE,
                   dimnames = list(0:2, 0:2))
by_start(long, "sir_cont", possible, c("0", "1"))

frame <- data.frame(long, event = factor(long$to, c("cens", 0:2)),
                    current = factor(long$from, 0:2))
whole <- survfit(Surv(entry, exit, event) ~ 1, data = frame, id = id, istate = current)
moved <- rowSums(whole$n.event) > 0
for (k in 1:3) {
  column <- match(as.character(k - 1), whole$states)
  keep("sir_cont", "survival", k - 1, whole$time[moved], whole$pstate[moved, column])
}

# A made-up reversible model: 0 free, 1 active, 2 dead; ties, day-0 moves, one net move a day.
set.seed(11)
persons <- 120
made_up <- do.call(rbind, lapply(seq_len(persons), function(i) {
  end <- min(rgeom(1, 0.02), 40)
  state <- 0
  entry <- 0
  out <- NULL
  for (day in 0:end) {
    chance <- list(c(0.9, 0.08, 0.02), c(0.2, 0.75, 0.05))[[state + 1]]
    to <- sample(0:2, 1, prob = chance)
    if (to != state || day == end) {
      out <- rbind(out, data.frame(person = i, entry = entry, exit = day, from = state, to = to))
      entry <- day
      state <- to
    }
    if (state == 2) break
  }
  out
}))
write.csv(made_up, "multistate_made_up.csv", row.names = FALSE, quote = FALSE)
shifted <- with(made_up, data.frame(
  id = person, from = as.character(from), to = ifelse(from == to, "cens", as.character(to)),
  entry = ifelse(duplicated(person), entry + 1, 0), exit = exit + 1))
back <- matrix(c(FALSE, TRUE, TRUE, TRUE, FALSE, TRUE, FALSE, FALSE, FALSE), 3, byrow = TRUE,
               dimnames = list(0:2, 0:2))
fit_rows <- length(rows)
by_start(shifted, "made up", back, "0")
for (j in (fit_rows + 1):length(rows)) rows[[j]]$day <- rows[[j]]$day - 1

days <- max(shifted$exit)
at_risk <- sapply(0:2, function(h) sapply(seq_len(days), function(d)
  sum(shifted$from == h & shifted$entry < d & shifted$exit >= d)))
moves <- array(0, c(days, 3, 3))
for (j in which(shifted$to != "cens")) {
  cell <- cbind(shifted$exit[j], as.integer(shifted$from[j]) + 1, as.integer(shifted$to[j]) + 1)
  moves[cell] <- moves[cell] + 1
}
for (tau in c(10, 30)) for (state in 1:3) {
  found <- areas(at_risk, moves, 1, state, tau)
  keep("made up", "area", state - 1, tau, found[1], found[2])
}

write.csv(do.call(rbind, rows), "multistate_reference.csv", row.names = FALSE, quote = FALSE)
cat("etm", as.character(packageVersion("etm")), "survival",
    as.character(packageVersion("survival")), R.version.string, "\n")
