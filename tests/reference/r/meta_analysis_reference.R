# Reference numbers for tests/reference/test_meta_analysis_reference.py.
# Run from the top of the checkout: Rscript tests/reference/r/meta_analysis_reference.R
# Needs metafor and lme4 (Debian: r-cran-metafor, r-cran-lme4). With the environment variable
# IAGO_SHARED_DATA set, the published cohorts of evidence/nrm_cohorts.csv are pooled as well.
suppressMessages({library(metafor); library(lme4)})
out <- "tests/reference/r"
save_csv <- function(data, name) {
  for (column in names(data)) if (is.double(data[[column]]))
    data[[column]] <- formatC(data[[column]], digits = 17, format = "g", width = 1)
  write.csv(data, file.path(out, name), row.names = FALSE, quote = FALSE)
}
set.seed(20241028)
simulated <- function(set, k, mu, tau, sizes) {
  n <- sample(sizes, k, replace = TRUE)
  data.frame(set = set, events = rbinom(k, n, plogis(mu + tau * rnorm(k))), n = n)
}
cohorts <- rbind(
  simulated("rare_with_zeros", 20, -4, 0.8, 15:150),
  simulated("common", 12, -0.5, 0.4, 30:400),
  simulated("very_unlike", 15, -1, 2, 10:80),
  simulated("few", 4, -2, 0.7, 40:200),
  data.frame(set = "homogeneous", events = c(3, 4, 6, 8), n = c(20, 40, 60, 80)),
  data.frame(set = "all_and_none", events = c(0, 3, 9, 12, 0), n = c(12, 10, 15, 12, 8)))
save_csv(transform(cohorts, events = as.integer(events), n = as.integer(n)), "meta_analysis_input.csv")

tight <- list(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.1, rhoend = 1e-10, maxfun = 1e5))
pool <- function(s, set) {
  s$failures <- s$n - s$events
  s$cohort <- factor(seq_len(nrow(s)))
  peer <- suppressWarnings(suppressMessages(glmer(cbind(events, failures) ~ 1 + (1 | cohort), s, binomial, nAGQ = 25,
                                                  control = do.call(glmerControl, tight))))
  meta <- function(method, points) suppressWarnings(rma.glmm(
    xi = events, ni = n, data = s, measure = "PLO", method = method, nAGQ = points, add = 0.5, to = "only0",
    control = if (points == 7) list() else list(glmerCtrl = tight, glmCtrl = list(epsilon = 1e-17, maxit = 50))))
  random <- meta("ML", 25)
  as_printed <- meta("ML", 7)
  fixed <- meta("FE", 25)
  data.frame(set = set, k = nrow(s), glmer_logit = unname(fixef(peer)), glmer_se = sqrt(vcov(peer)[1, 1]),
             glmer_tau2 = VarCorr(peer)[[1]][1],
             logit = c(random$beta), se = random$se, tau2 = random$tau2, i2 = random$I2 / 100,
             logit_lower = random$ci.lb, logit_upper = random$ci.ub,
             default_logit = c(as_printed$beta), default_se = as_printed$se, default_tau2 = as_printed$tau2,
             wald = random$QE.Wld, wald_p = random$QEp.Wld, lrt = random$QE.LRT, lrt_p = random$QEp.LRT,
             fixed_logit = c(fixed$beta), fixed_lower = fixed$ci.lb, fixed_upper = fixed$ci.ub)
}
# The same maximum found without quadrature nodes: adaptive integration of every cohort, Newton steps
# with numerical derivatives. glmer with 25 nodes, the most it takes, is not exact for sets as
# unlike as the last ones.
integrated <- function(s, start) {
  breaks <- seq(-10, 10, by = 0.5)
  minus_log_likelihood <- function(theta) -sum(mapply(function(x, n) {
    joint <- function(u) exp(dbinom(x, n, plogis(theta[1] + theta[2] * u), log = TRUE) + dnorm(u, log = TRUE))
    log(sum(mapply(function(from, to) integrate(joint, from, to, rel.tol = 1e-12, abs.tol = 0, stop.on.error = FALSE)$value,
                   head(breaks, -1), tail(breaks, -1))))
  }, s$events, s$n))
  theta <- start
  for (i in 1:6) {
    hessian <- numDeriv::hessian(minus_log_likelihood, theta)
    theta <- theta - drop(solve(hessian, numDeriv::grad(minus_log_likelihood, theta)))
  }
  se <- sqrt(solve(hessian)[1, 1])
  data.frame(logit = theta[1], se = se, tau2 = theta[2]^2, log_likelihood = -minus_log_likelihood(theta))
}
sets <- unique(cohorts$set)
save_csv(do.call(rbind, lapply(sets, function(set) pool(cohorts[cohorts$set == set, ], set))), "meta_analysis_reference.csv")
starts <- list(rare_with_zeros = c(-4.57, 0.635), common = c(-0.48, 0.356), very_unlike = c(-1.97, 2.297),
               few = c(-1.93, 0.503), all_and_none = c(-1.4, 4.58))
save_csv(do.call(rbind, lapply(names(starts), function(set)
  data.frame(set = set, integrated(cohorts[cohorts$set == set, ], starts[[set]])))), "meta_analysis_integrated.csv")

folder <- Sys.getenv("IAGO_SHARED_DATA")
if (nzchar(folder)) {
  nrm <- read.csv(file.path(folder, "evidence", "nrm_cohorts.csv"))
  nrm <- data.frame(set = nrm$entity, events = nrm$n_nonrelapse_deaths, n = nrm$n_patients)
  sets <- c("LBCL", "MM", "MCL", "IL")
  save_csv(do.call(rbind, lapply(sets, function(set) pool(nrm[nrm$set == set, ], set))), "meta_analysis_nrm.csv")
}
