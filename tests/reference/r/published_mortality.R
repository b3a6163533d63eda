# Reference numbers for tests/reference/test_published_mortality.py.
# Run from the top of the checkout: Rscript tests/reference/r/published_mortality.R
# Needs metafor and lme4 (Debian: r-cran-metafor, r-cran-lme4).
suppressMessages({library(metafor); library(lme4)})
out <- "tests/reference/r"
save_csv <- function(data, name) {
  for (column in names(data)) if (is.double(data[[column]]))
    data[[column]] <- formatC(data[[column]], digits = 17, format = "g", width = 1)
  write.csv(data, file.path(out, name), row.names = FALSE, quote = FALSE)
}
cohorts <- read.csv("src/iago/standard/evidence/nrm_cohorts.csv")
tight <- list(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.1, rhoend = 1e-10, maxfun = 1e5))
pool <- function(group, s) {
  meta <- function(method) suppressWarnings(rma.glmm(
    xi = n_nonrelapse_deaths, ni = n_patients, data = s, measure = "PLO", method = method, nAGQ = 25,
    add = 0.5, to = "only0",
    control = list(glmerCtrl = tight, glmCtrl = list(epsilon = 1e-17, maxit = 50))))
  random <- meta("ML")
  fixed <- meta("FE")
  # Higgins, Thompson and Spiegelhalter 2009: Student's t with k - 2 degrees of freedom.
  half <- qt(0.975, nrow(s) - 2) * sqrt(random$se^2 + random$tau2)
  data.frame(group = group, k = nrow(s), deaths = sum(s$n_nonrelapse_deaths), n = sum(s$n_patients),
             fixed = plogis(c(fixed$beta)), fixed_lower = plogis(fixed$ci.lb), fixed_upper = plogis(fixed$ci.ub),
             random = plogis(c(random$beta)), random_lower = plogis(random$ci.lb),
             random_upper = plogis(random$ci.ub), tau2 = random$tau2, i2 = random$I2 / 100,
             q = random$QE.Wld, p = random$QEp.Wld, likelihood_ratio = random$QE.LRT,
             likelihood_ratio_p = random$QEp.LRT,
             prediction_lower = plogis(c(random$beta) - half), prediction_upper = plogis(c(random$beta) + half),
             follow_up_min_months = min(s$median_follow_up_months, na.rm = TRUE),
             follow_up_max_months = max(s$median_follow_up_months, na.rm = TRUE),
             follow_up_missing = sum(is.na(s$median_follow_up_months)))
}
entities <- c("lbcl", "mm", "mcl", "il")
products <- c("axi-cel", "tisa-cel", "liso-cel", "brexu-cel", "ide-cel", "cilta-cel")
save_csv(rbind(
  do.call(rbind, lapply(entities, function(e) pool(e, cohorts[cohorts$entity == e, ]))),
  do.call(rbind, lapply(products, function(p) pool(p, cohorts[cohorts$product == p, ]))),
  pool("all", cohorts)), "published_mortality.csv")
exact <- t(mapply(function(x, n) binom.test(x, n)$conf.int, cohorts$n_nonrelapse_deaths, cohorts$n_patients))
save_csv(data.frame(cohort = cohorts$cohort, lower = exact[, 1], upper = exact[, 2]), "published_mortality_exact.csv")
