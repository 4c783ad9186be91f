// Elementary functions with the same bits everywhere: only + - * /, sqrt and exact bit operations.
// (glibc chooses variants of its own by processor.) Domain errors are the caller's.
#pragma once

namespace mudra::portable {

inline constexpr double pi = 3.14159265358979323846;

double exp(double x);                   // relative error < 4e-16; 0 below -745, inf above 709.78
double log(double x);                   // x > 0; relative error < 4e-16 away from 1
double sin(double x);                   // |x| < 1e6; absolute error < 1e-15
double cos(double x);                   // |x| < 1e6; absolute error < 1e-15
double atan2(double y, double x);       // absolute error < 1e-15
double pow(double base, double power);  // base > 0: exp(power log base), relative error < 1e-13
double tanh(double x);                  // absolute error < 1e-15

}  // namespace mudra::portable
