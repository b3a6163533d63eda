# Reference numbers for tests/reference/test_rates_reference.py.
# Run from the top of the checkout: Rscript tests/reference/r/rates_reference.R
# Needs epitools, epiR, metafor, sandwich (Debian: r-cran-epitools, r-cran-epir, r-cran-metafor,
# r-cran-sandwich).
suppressMessages({library(epitools); library(metafor); library(sandwich)})
out <- "tests/reference/r"
save_csv <- function(data, name) {
  for (column in names(data)) if (is.double(data[[column]]))
    data[[column]] <- formatC(data[[column]], digits = 17, format = "g", width = 1)
  write.csv(data, file.path(out, name), row.names = FALSE, quote = FALSE)
}

# Poisson rates: exact limits by poisson.test, mid-P by a root of the two half tails.
mid_p_mean <- function(x, alpha) {
  upper_of <- function(m) ppois(x - 1, m) + dpois(x, m) / 2 - alpha / 2
  lower_of <- function(m) ppois(x, m, lower.tail = FALSE) + dpois(x, m) / 2 - alpha / 2
  top <- 10 * x + 20
  lower <- if (x == 0) 0 else uniroot(lower_of, c(1e-12, top), tol = 1e-15, maxiter = 1e4)$root
  upper <- uniroot(upper_of, c(1e-12, top), tol = 1e-15, maxiter = 1e4)$root
  c(lower, upper)
}
grid <- expand.grid(events = c(0, 1, 2, 5, 43, 300), time = c(10, 3613.4), level = c(0.9, 0.95, 0.99))
rows <- lapply(seq_len(nrow(grid)), function(i) {
  g <- grid[i, ]
  exact <- poisson.test(g$events, g$time, conf.level = g$level)$conf.int
  mid <- mid_p_mean(g$events, 1 - g$level) / g$time
  data.frame(events = g$events, person_time = g$time, confidence = g$level,
             exact_lower = exact[1], exact_upper = exact[2],
             mid_p_lower = mid[1], mid_p_upper = mid[2])
})
save_csv(do.call(rbind, rows), "rates_poisson.csv")

# Rate ratios: exact conditional by poisson.test; mid-P by a root on the log odds, after a check
# against epitools, whose own root finder stops at about 1e-4.
mid_p_ratio <- function(a, ta, b, tb, alpha) {
  n <- a + b
  half <- function(q, from_below) {
    p <- plogis(q)
    tail <- if (from_below) pbinom(a - 1, n, p) else pbinom(a, n, p, lower.tail = FALSE)
    tail + dbinom(a, n, p) / 2 - alpha / 2
  }
  root <- function(below) uniroot(half, c(-40, 40), from_below = below, tol = 1e-15, maxiter = 1e4)$root
  lower <- if (a == 0) 0 else exp(root(FALSE)) * tb / ta
  upper <- if (b == 0) Inf else exp(root(TRUE)) * tb / ta
  c(lower, upper)
}
cases <- data.frame(events_a = c(0, 14, 3, 1, 83, 22, 6, 500, 1), time_a = c(1800, 100, 250, 7.5, 3808, 4000, 12, 9e4, 1e5),
                    events_b = c(9, 0, 5, 1, 120, 4, 60, 700, 30), time_b = c(1750, 120, 300, 9, 8633, 900, 500, 8e4, 10))
rows <- lapply(seq_len(nrow(cases)), function(i) {
  g <- cases[i, ]
  test <- poisson.test(c(g$events_a, g$events_b), c(g$time_a, g$time_b))
  mid <- mid_p_ratio(g$events_a, g$time_a, g$events_b, g$time_b, 0.05)
  if (min(g$events_a, g$events_b) > 0) {
    peer <- suppressWarnings(rateratio(c(g$events_b, g$events_a), c(g$time_b, g$time_a), method = "midp"))$measure[2, 2:3]
    stopifnot(abs(peer / mid - 1) < 1e-3)
  }
  n <- g$events_a + g$events_b
  p0 <- g$time_a / (g$time_a + g$time_b)
  above <- pbinom(g$events_a - 1, n, p0, lower.tail = FALSE)
  below <- pbinom(g$events_a, n, p0)
  point <- dbinom(g$events_a, n, p0)
  data.frame(g, ratio = unname(test$estimate), exact_lower = test$conf.int[1], exact_upper = test$conf.int[2],
             exact_p = min(1, 2 * min(above, below)), mid_p_lower = mid[1], mid_p_upper = mid[2],
             mid_p_p = min(1, 2 * min(above - point / 2, below - point / 2)))
})
save_csv(do.call(rbind, rows), "rates_ratio.csv")

# Proportions: binom.test (Clopper-Pearson) and prop.test without correction (Wilson).
cases <- data.frame(events = c(0, 0, 1, 5, 66, 12, 20), n = c(133, 7, 40, 133, 133, 12, 1000))
rows <- lapply(seq_len(nrow(cases)), function(i) {
  g <- cases[i, ]
  exact <- binom.test(g$events, g$n)$conf.int
  score <- suppressWarnings(prop.test(g$events, g$n, correct = FALSE))$conf.int
  data.frame(g, exact_lower = exact[1], exact_upper = exact[2], wilson_lower = score[1], wilson_upper = score[2])
})
save_csv(do.call(rbind, rows), "rates_proportion.csv")

# Clustered rate: Poisson regression with offset, sandwich with the factor m / (m - 1).
set.seed(20240917)
n <- 120
centre <- rep(1:12, each = 10)
time <- round(runif(n, 5, 100), 1)
events <- rpois(n, 0.03 * time * rgamma(n, 1.5, 1.5) * rgamma(12, 4, 4)[centre])
data <- data.frame(events = as.integer(events), person_time = time, centre = centre)
save_csv(data, "rates_clustered_input.csv")
fit <- glm(events ~ 1 + offset(log(person_time)), poisson, data, control = glm.control(epsilon = 1e-14))
by_patient <- vcovCL(fit, cluster = seq_len(n), type = "HC0", cadjust = TRUE)
by_centre <- vcovCL(fit, cluster = data$centre, type = "HC0", cadjust = TRUE)
save_csv(data.frame(unit = c("patient", "centre"), rate = exp(unname(coef(fit))),
                    standard_error_log = sqrt(c(by_patient, by_centre))), "rates_clustered.csv")

# Mantel-Haenszel rate ratio: metafor::rma.mh, checked against epiR; homogeneity by the interaction
# of a Poisson regression. "dense" has events everywhere; "sparse" has zero cells and strata that
# say nothing (no event, or one arm only).
strata <- rbind(
  data.frame(set = "dense", events_a = c(8, 12, 5, 20), time_a = c(900, 1500, 400, 2600),
             events_b = c(15, 14, 11, 19), time_b = c(1000, 1100, 700, 1900)),
  data.frame(set = "sparse", events_a = c(1, 0, 3, 0, 2, 0), time_a = c(100, 80, 300, 60, 0, 40),
             events_b = c(0, 2, 4, 0, 1, 1), time_b = c(120, 100, 150, 70, 50, 35)))
save_csv(strata, "rates_mantel_haenszel_input.csv")
rows <- lapply(c("dense", "sparse"), function(set) {
  s <- strata[strata$set == set & strata$time_a > 0 & strata$time_b > 0, ]
  s <- s[s$events_a + s$events_b > 0, ]
  fit <- rma.mh(measure = "IRR", x1i = events_a, t1i = time_a, x2i = events_b, t2i = time_b,
                data = s, correct = FALSE)
  if (set == "dense") {
    # epiR wants rows exposed and not exposed, columns events and time, one table a stratum.
    cells <- array(rbind(s$events_a, s$events_b, s$time_a, s$time_b), c(2, 2, nrow(s)))
    peer <- epiR::epi.2by2(cells, method = "cohort.time")$massoc.detail$IRR.mh.wald
    stopifnot(abs(log(unlist(peer)[1:3]) - c(fit$beta, fit$ci.lb, fit$ci.ub)) < 1e-8)
  }
  long <- data.frame(events = c(s$events_a, s$events_b), time = c(s$time_a, s$time_b),
                     arm = rep(1:0, each = nrow(s)), stratum = factor(rep(seq_len(nrow(s)), 2)))
  main <- suppressWarnings(glm(events ~ arm + stratum + offset(log(time)), poisson, long,
                               control = glm.control(epsilon = 1e-14, maxit = 100)))
  full <- 2 * sum(dpois(long$events, long$events, log = TRUE) - dpois(long$events, fitted(main), log = TRUE))
  data.frame(set = set, informative = nrow(s), log_ratio = c(fit$beta), standard_error_log = fit$se,
             log_lower = fit$ci.lb, log_upper = fit$ci.ub, test_statistic = fit$MH, p_value = fit$MHp,
             homogeneity_statistic = full, homogeneity_p = pchisq(full, nrow(s) - 1, lower.tail = FALSE))
})
save_csv(do.call(rbind, rows), "rates_mantel_haenszel.csv")
