# Reference numbers for tests/reference/test_weighting_reference.py.
# Run from the top of the checkout: Rscript tests/reference/r/weighting_reference.R
# Needs numDeriv (Debian: r-cran-numderiv). Standard errors come from the stacked estimating
# equations with a derivative taken numerically, so no formula is shared with the package.
suppressMessages(library(numDeriv))
out <- "tests/reference/r"
save_csv <- function(data, name) {
  for (column in names(data)) if (is.double(data[[column]]))
    data[[column]] <- formatC(data[[column]], digits = 17, format = "g", width = 1)
  write.csv(data, file.path(out, name), row.names = FALSE, quote = FALSE)
}
set.seed(20230818)
n <- 300
centre <- sample(1:15, n, replace = TRUE)
age <- round(rnorm(n, 60, 10), 1)
bulk <- rbinom(n, 1, 0.3)
ldh <- round(rlnorm(n, 5.5, 0.4), 1)
treated <- rbinom(n, 1, plogis(-0.3 + 0.04 * (age - 60) + 0.8 * bulk - 0.002 * (ldh - 250)))
time <- round(runif(n, 20, 365))
events <- rpois(n, time * 0.004 * exp(0.3 * treated + 0.02 * (age - 60) + 0.5 * bulk) * rgamma(n, 2, 2))
data <- data.frame(treated, age, bulk, ldh, centre, events, person_time = time)
save_csv(data, "weighting_input.csv")

fit <- glm(treated ~ age + bulk + ldh, binomial, data, control = glm.control(epsilon = 1e-15, maxit = 100))
save_csv(data.frame(name = c("intercept", "age", "bulk", "ldh"), coefficient = unname(coef(fit)),
                    standard_error = sqrt(diag(vcov(fit)))), "weighting_propensity.csv")
x <- model.matrix(fit)
a <- data$treated
weight_of <- list(
  overlap = function(e) ifelse(a == 1, 1 - e, e),
  ate = function(e) ifelse(a == 1, 1 / e, 1 / (1 - e)),
  att = function(e) ifelse(a == 1, 1, e / (1 - e)))

equations <- function(theta, weigh) {
  beta <- theta[1:4]
  e <- plogis(drop(x %*% beta))
  w <- weigh(e)
  cbind(x * (a - e), w * a * (events - exp(theta[5]) * time), w * (1 - a) * (events - exp(theta[6]) * time))
}
rows <- lapply(names(weight_of), function(name) {
  weigh <- weight_of[[name]]
  w <- weigh(fitted(fit))
  log_a <- log(sum(w * a * events) / sum(w * a * time))
  log_b <- log(sum(w * (1 - a) * events) / sum(w * (1 - a) * time))
  theta <- c(coef(fit), log_a, log_b)
  bread <- solve(jacobian(function(t) colSums(equations(t, weigh)), theta, method.args = list(r = 6)))
  psi <- equations(theta, weigh)
  sandwich_of <- function(psi) {
    m <- nrow(psi)
    (bread %*% crossprod(psi) %*% t(bread))[5:6, 5:6] * m / (m - 1)
  }
  by_patient <- sandwich_of(psi)
  by_centre <- sandwich_of(rowsum(psi, centre))
  se_log <- function(v) sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2])
  gradient <- c(exp(log_a), -exp(log_b))
  data.frame(weighting = name, rate_a = exp(log_a), rate_b = exp(log_b), log_ratio = log_a - log_b,
             se_log_ratio = se_log(by_patient), se_log_a = sqrt(by_patient[1, 1]), se_log_b = sqrt(by_patient[2, 2]),
             se_difference = sqrt(drop(gradient %*% by_patient %*% gradient)),
             se_log_ratio_centre = se_log(by_centre),
             effective_a = sum(w[a == 1])^2 / sum(w[a == 1]^2), effective_b = sum(w[a == 0])^2 / sum(w[a == 0]^2))
})
save_csv(do.call(rbind, rows), "weighting_rate_ratio.csv")

# Balance under inverse probability weights, where it is not exactly zero.
w <- weight_of$ate(fitted(fit))
rows <- lapply(c("age", "bulk", "ldh"), function(name) {
  v <- data[[name]]
  part <- function(arm) cov.wt(cbind(v[a == arm]), wt = w[a == arm] / sum(w[a == arm]), method = "unbiased")
  pooled <- sqrt((var(v[a == 1]) + var(v[a == 0])) / 2)
  one <- part(1); zero <- part(0)
  data.frame(name = name, mean_a = one$center, mean_b = zero$center,
             difference_before = (mean(v[a == 1]) - mean(v[a == 0])) / pooled,
             difference = (one$center - zero$center) / pooled,
             variance_ratio_before = var(v[a == 1]) / var(v[a == 0]),
             variance_ratio = drop(one$cov) / drop(zero$cov))
})
save_csv(do.call(rbind, rows), "weighting_balance.csv")
