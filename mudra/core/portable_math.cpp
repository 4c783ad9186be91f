#include "mudra/core/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mudra::portable {
namespace {

constexpr double ln2_high = 6.93147180369123816490e-01;  // 32 significant bits: k * ln2_high is exact
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr double half_pi_high = 1.57079632673412561417e+00;
constexpr double half_pi_mid = 6.07710050630396597660e-11;
constexpr double half_pi_low = 2.02226624879595063154e-21;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// Taylor series on |x| <= pi/4.
double sin_kernel(double x) {
  const double z = x * x;
  double sum = 0;
  for (int n = 19; n >= 3; n -= 2) sum = (sum + 1) * (-z / (n * (n - 1)));
  return x + x * sum;
}

double cos_kernel(double x) {
  const double z = x * x;
  double sum = 0;
  for (int n = 20; n >= 2; n -= 2) sum = (sum + 1) * (-z / (n * (n - 1)));
  return 1 + sum;
}

// sin(x + quarter * pi/2)
double sin_quarter(double x, int64_t quarter) {
  const double k = std::floor(x / (pi / 2) + 0.5);
  const double r = ((x - k * half_pi_high) - k * half_pi_mid) - k * half_pi_low;
  switch ((static_cast<int64_t>(k) + quarter) & 3) {
    case 0:
      return sin_kernel(r);
    case 1:
      return cos_kernel(r);
    case 2:
      return -sin_kernel(r);
    default:
      return -cos_kernel(r);
  }
}

// Halving the argument twice brings |x| below 0.2, where the series is short.
double atan_kernel(double x) {
  double scale = 1;
  for (int halving = 0; halving < 2; ++halving) {
    x = x / (1 + std::sqrt(1 + x * x));
    scale *= 2;
  }
  const double z = x * x;
  double sum = 0;
  for (int n = 25; n >= 1; n -= 2) sum = 1.0 / n - z * sum;
  return scale * x * sum;
}

}  // namespace

double exp(double x) {
  if (x != x) return x;
  if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  const double k = std::floor(x / (ln2_high + ln2_low) + 0.5);
  const double r = (x - k * ln2_high) - k * ln2_low;
  double sum = 0;  // e^r - 1 by Taylor; |r| <= 0.347
  for (int n = 14; n >= 1; --n) sum = (sum + 1) * (r / n);
  const int exponent = static_cast<int>(k);
  const int half = exponent / 2;  // two steps reach the subnormals
  return (1 + sum) * power_of_two(half) * power_of_two(exponent - half);
}

double log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // exact
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double sum = 0;
  for (int n = 23; n >= 3; n -= 2) sum = z * (sum + 1.0 / n);
  const double k = exponent;
  return k * ln2_high + (2 * (s + s * sum) + k * ln2_low);
}

double sin(double x) { return sin_quarter(x, 0); }
double cos(double x) { return sin_quarter(x, 1); }

double atan2(double y, double x) {
  const double ax = std::fabs(x);
  const double ay = std::fabs(y);
  if (ax == 0 && ay == 0) return 0;
  double angle = ay <= ax ? atan_kernel(ay / ax) : pi / 2 - atan_kernel(ax / ay);
  if (x < 0) angle = pi - angle;
  return y < 0 ? -angle : angle;
}

double pow(double base, double power) { return exp(power * log(base)); }

double tanh(double x) {
  const double e = exp(-2 * std::fabs(x));
  const double t = (1 - e) / (1 + e);
  return x < 0 ? -t : t;
}

}  // namespace mudra::portable
