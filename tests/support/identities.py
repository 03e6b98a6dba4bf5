"""Identities of the handbooks as data: a written form, the shortest equal form known, and where it stands.

AS is Abramowitz and Stegun (chapters 3 and 4), DLMF the Digital Library of Mathematical Functions (chapter 4), GR Gradshteyn and Ryzhik
(chapter 1), HK Hall and Knight, Higher Algebra; BA is Boolean algebra as in Huntington's and Whitesitt's books, and RA the elementary
properties of real numbers, as in Spivak's Calculus.  Symbols are real; ``p::positive`` declares an assumption.  "generic" marks what
holds except on a null set or on a part of the domain only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One entry: text, shortest known form, source section, and whether it needs generic rules."""

    text: str
    shortest: str
    source: str
    generic: bool = False


def _read(table: str) -> tuple[Identity, ...]:
    rows = [
        [cell.strip() for cell in line.split(" | ")] for line in table.strip().splitlines() if line.strip()
    ]
    return tuple(Identity(row[0], row[1], row[2], row[3:] == ["generic"]) for row in rows)


CORPUS = _read(
    """
sin(x)^2 + cos(x)^2 | 1 | AS 4.3.10
-3*sin(x)^2 - 3*cos(x)^2 + y | y - 3 | AS 4.3.10
a*sin(x*y)^2 + a*cos(x*y)^2 - a | 0 | AS 4.3.10
1/cos(x)^2 - tan(x)^2 | 1 | AS 4.3.11
sec(x)^2 - tan(x)^2 | 1 | AS 4.3.11
csc(x)^2 - cot(x)^2 | 1 | AS 4.3.12
1/sin(x)^2 - cot(x)^2 | 1 | AS 4.3.12
sin(-x) + sin(x) | 0 | AS 4.3.13
sin(x)*cos(y) + cos(x)*sin(y) | sin(x + y) | AS 4.3.16
sin(x + y) - sin(x)*cos(y) | cos(x)*sin(y) | AS 4.3.16
cos(x)*cos(y) - sin(x)*sin(y) | cos(x + y) | AS 4.3.17
cos(x - y) - sin(x)*sin(y) | cos(x)*cos(y) | AS 4.3.17
(tan(x) + tan(y))/(1 - tan(x)*tan(y)) | tan(x + y) | AS 4.3.18
(tan(x) - tan(y))/(1 + tan(x)*tan(y)) | tan(x - y) | AS 4.3.18
(cot(x)*cot(y) - 1)/(cot(y) + cot(x)) | cot(x + y) | AS 4.3.19
(1 - cos(x))/2 | sin(x/2)^2 | AS 4.3.20
(1 + cos(2*x))/2 | cos(x)^2 | AS 4.3.21
(1 - cos(x))/sin(x) | tan(x/2) | AS 4.3.22
sin(x)/(1 + cos(x)) | tan(x/2) | AS 4.3.22
sin(2*x)/(1 + cos(2*x)) | tan(x) | AS 4.3.22
2*tan(x/2)/(1 + tan(x/2)^2) | sin(x) | AS 4.3.23
(1 - tan(x/2)^2)/(1 + tan(x/2)^2) | cos(x) | AS 4.3.23
2*sin(x)*cos(x) | sin(2*x) | AS 4.3.24
2*tan(x)/(1 + tan(x)^2) | sin(2*x) | AS 4.3.24
cos(x)^2 - sin(x)^2 | cos(2*x) | AS 4.3.25
2*cos(x)^2 - 1 | cos(2*x) | AS 4.3.25
1 - 2*sin(3*x)^2 | cos(6*x) | AS 4.3.25
(1 - tan(x)^2)/(1 + tan(x)^2) | cos(2*x) | AS 4.3.25
2*tan(x)/(1 - tan(x)^2) | tan(2*x) | AS 4.3.26
2*cot(x)/(cot(x)^2 - 1) | tan(2*x) | AS 4.3.26
3*sin(x) - 4*sin(x)^3 | sin(3*x) | AS 4.3.27
4*cos(x)^3 - 3*cos(x) | cos(3*x) | AS 4.3.28
8*cos(x)^3*sin(x) - 4*cos(x)*sin(x) | sin(4*x) | AS 4.3.29
8*cos(x)^4 - 8*cos(x)^2 + 1 | cos(4*x) | AS 4.3.30
cos(x - y) - cos(x + y) | 2*sin(x)*sin(y) | AS 4.3.31
cos(x - y) + cos(x + y) | 2*cos(x)*cos(y) | AS 4.3.32
sin(x - y) + sin(x + y) | 2*sin(x)*cos(y) | AS 4.3.33
sin(x + y)/(cos(x)*cos(y)) | tan(x) + tan(y) | AS 4.3.38
sin(x - y)/(cos(x)*cos(y)) | tan(x) - tan(y) | AS 4.3.38
sin(x + y)/(sin(x)*sin(y)) | cot(x) + cot(y) | AS 4.3.39
sin(x + y)*sin(x - y) + sin(y)^2 | sin(x)^2 | AS 4.3.40
cos(x + y)*cos(x - y) + sin(y)^2 | cos(x)^2 | AS 4.3.42
sin(x)^4 - cos(x)^4 | -cos(2*x) | AS 4.3.25
sin(x)^4 + cos(x)^4 + 2*sin(x)^2*cos(x)^2 | 1 | AS 4.3.10
sin(x)^6 + cos(x)^6 + 3*sin(x)^2*cos(x)^2 | 1 | AS 4.3.10
sin(x)^3*cos(x) + sin(x)*cos(x)^3 | sin(2*x)/2 | AS 4.3.24
(sin(x) + cos(x))^2 - sin(2*x) | 1 | AS 4.3.24
(sin(x) + cos(x))^2 - 1 | sin(2*x) | AS 4.3.24
cos(x)/(1 - sin(x)) - cos(x)/(1 + sin(x)) | 2*tan(x) | AS 4.3.10
sin(x)/(1 - cos(x)) + sin(x)/(1 + cos(x)) | 2/sin(x) | AS 4.3.10
1/(1 + sin(x)) + 1/(1 - sin(x)) | 2/cos(x)^2 | AS 4.3.10
(1 + sin(x))/cos(x) + cos(x)/(1 + sin(x)) | 2/cos(x) | AS 4.3.10
tan(x) + cot(x) | 2/sin(2*x) | AS 4.3.24
cot(x) - tan(x) | 2*cot(2*x) | AS 4.3.26
tan(x)*sin(x) + cos(x) | sec(x) | AS 4.3.10
sin(3*x)/sin(x) - cos(3*x)/cos(x) | 2 | AS 4.3.27
sin(2*x)/sin(x) - cos(2*x)/cos(x) | 1/cos(x) | AS 4.3.24
(sin(3*x) + sin(x))/(cos(3*x) + cos(x)) | tan(2*x) | AS 4.3.34
(sin(x) + sin(y))^2 + (cos(x) + cos(y))^2 | 2*cos(x - y) + 2 | AS 4.3.17
(sin(x) - sin(y))^2 + (cos(x) - cos(y))^2 | 2 - 2*cos(x - y) | AS 4.3.17
sin(pi/12)*cos(pi/12) | 1/4 | AS 4.3.46
sin(pi/5 + 2*pi) - sin(pi/5) | 0 | AS 4.3.7
sin(pi - x) | sin(x) | AS 4.3.44
cos(pi/2 - x) | sin(x) | AS 4.3.44
tan(pi/2 - x) | cot(x) | AS 4.3.44
sin(3*pi/2 + x) | -cos(x) | AS 4.3.44
cos(x + 7*pi) | -cos(x) | AS 4.3.44
cot(x + pi) | cot(x) | AS 4.3.44
sin(7*pi/6) | -1/2 | AS 4.3.46
cos(5*pi/4) | -sqrt(2)/2 | AS 4.3.46
tan(2*pi/3) | -sqrt(3) | AS 4.3.46
cot(pi/6) | sqrt(3) | AS 4.3.46
sec(pi/3) | 2 | AS 4.3.46
csc(pi/6) | 2 | AS 4.3.46
sin(x)*cot(x) | cos(x) | AS 4.3.3
sin(x)*csc(x) + cos(x)*sec(x) | 2 | AS 4.3.4
sec(x)*csc(x)*sin(x)*cos(x) | 1 | AS 4.3.5
sin(x)^2*cot(x)^2 + cos(x)^2*tan(x)^2 | 1 | AS 4.3.6
1/(1 + tan(x)^2) | cos(x)^2 | DLMF 4.21.13
cos(x)^2*(1 + tan(x)^2) | 1 | DLMF 4.21.13
sin(x)*cos(x)*cos(2*x) | sin(4*x)/4 | DLMF 4.21.27
cos(x)*cos(2*x)*cos(4*x)*sin(x) | sin(8*x)/8 | DLMF 4.21.27
4*sin(x)*sin(pi/3 - x)*sin(pi/3 + x) | sin(3*x) | DLMF 4.21.35
sin(x)^2 - sin(y)^2 - sin(x + y)*sin(x - y) | 0 | DLMF 4.21.20
cos(x) + cos(x + 2*pi/3) + cos(x + 4*pi/3) | 0 | GR 1.342
sin(5*x) - 16*sin(x)^5 + 20*sin(x)^3 - 5*sin(x) | 0 | GR 1.333
cos(6*x) - 32*cos(x)^6 + 48*cos(x)^4 - 18*cos(x)^2 + 1 | 0 | GR 1.335
sin(x)^3/4 - (3*sin(x) - sin(3*x))/16 | 0 | GR 1.321
cos(x)^4 - (3 + 4*cos(2*x) + cos(4*x))/8 | 0 | GR 1.323
asin(x) + acos(x) | pi/2 | AS 4.4.14
atan(x) + acot(x) - acot(x) | atan(x) | AS 4.4.5
atan(p::positive) + atan(1/p) | pi/2 | AS 4.4.5
acos(-x) + acos(x) | pi | AS 4.4.15
asin(-x) + asin(x) | 0 | AS 4.4.14
sin(asin(x)) | x | AS 4.4.1
cos(asin(x)) | sqrt(1 - x^2) | AS 4.3.45
sin(acos(x)) | sqrt(1 - x^2) | AS 4.3.45
tan(asin(x)) | x/sqrt(1 - x^2) | AS 4.3.45
cos(atan(x))^2 | 1/(1 + x^2) | AS 4.3.45
tan(acot(x)) | 1/x | AS 4.3.45
cos(2*acos(x)) | 2*x^2 - 1 | AS 4.3.25
cos(2*asin(x)) | 1 - 2*x^2 | AS 4.3.25
sin(2*asin(x)) | 2*x*sqrt(1 - x^2) | AS 4.3.24
tan(2*atan(x)) | 2*x/(1 - x^2) | AS 4.3.26
sin(2*atan(x)) | 2*x/(1 + x^2) | AS 4.3.24
cos(2*atan(x)) | (1 - x^2)/(1 + x^2) | AS 4.3.25
sin(3*asin(x)) | 3*x - 4*x^3 | AS 4.3.27
tan(atan(x) + atan(y)) | (x + y)/(1 - x*y) | AS 4.4.34
sin(asin(x) + acos(x)) | 1 | AS 4.4.36
4*atan(1/5) - atan(1/239) | pi/4 | AS 3.3
atan(1/2) + atan(1/3) | pi/4 | AS 4.4.34
asin(1/2) + acos(1/2) | pi/2 | AS 4.4.14
acos(-sqrt(3)/2) | 5*pi/6 | AS 4.4.15
atan(x) + atan(y) - atan((x + y)/(1 - x*y)) | 0 | AS 4.4.34 | generic
cosh(x)^2 - sinh(x)^2 | 1 | AS 4.5.16
tanh(x)^2 + sech(x)^2 | 1 | AS 4.5.17
coth(x)^2 - csch(x)^2 | 1 | AS 4.5.18
cosh(x) + sinh(x) | exp(x) | AS 4.5.19
cosh(x) - sinh(x) | exp(-x) | AS 4.5.20
sinh(-x) + sinh(x) | 0 | AS 4.5.21
sinh(x)*cosh(y) + cosh(x)*sinh(y) | sinh(x + y) | AS 4.5.24
cosh(x)*cosh(y) + sinh(x)*sinh(y) | cosh(x + y) | AS 4.5.25
(tanh(x) + tanh(y))/(1 + tanh(x)*tanh(y)) | tanh(x + y) | AS 4.5.26
(coth(x)*coth(y) + 1)/(coth(y) + coth(x)) | coth(x + y) | AS 4.5.27
(cosh(x) - 1)/sinh(x) | tanh(x/2) | AS 4.5.30
sinh(x)/(cosh(x) + 1) | tanh(x/2) | AS 4.5.30
2*sinh(x)*cosh(x) | sinh(2*x) | AS 4.5.31
2*tanh(x)/(1 - tanh(x)^2) | sinh(2*x) | AS 4.5.31
2*cosh(x)^2 - 1 | cosh(2*x) | AS 4.5.32
cosh(x)^2 + sinh(x)^2 | cosh(2*x) | AS 4.5.32
2*tanh(x)/(1 + tanh(x)^2) | tanh(2*x) | AS 4.5.33
3*sinh(x) + 4*sinh(x)^3 | sinh(3*x) | AS 4.5.34
4*cosh(x)^3 - 3*cosh(x) | cosh(3*x) | AS 4.5.35
cosh(x + y) - cosh(x - y) | 2*sinh(x)*sinh(y) | AS 4.5.38
cosh(x + y) + cosh(x - y) | 2*cosh(x)*cosh(y) | AS 4.5.39
sinh(x + y)/(cosh(x)*cosh(y)) | tanh(x) + tanh(y) | AS 4.5.45
(cosh(x) + sinh(x))^5 | exp(5*x) | AS 4.5.53
(cosh(x) + sinh(x))*(cosh(x) - sinh(x)) | 1 | AS 4.5.16
(exp(x) - exp(-x))/2 | sinh(x) | AS 4.5.1
(exp(x) + exp(-x))/2 | cosh(x) | AS 4.5.2
(exp(x) - exp(-x))/(exp(x) + exp(-x)) | tanh(x) | AS 4.5.3
(exp(2*x) - 1)/(exp(2*x) + 1) | tanh(x) | AS 4.5.3
sinh(x)/cosh(x) | tanh(x) | AS 4.5.3
cosh(x)^4 - sinh(x)^4 | cosh(2*x) | AS 4.5.32
cosh(x)^4 - sinh(x)^4 - cosh(2*x) | 0 | AS 4.5.32
sinh(x)*cosh(x)^3 - sinh(x)^3*cosh(x) | sinh(2*x)/2 | AS 4.5.31
sinh(asinh(x)) | x | AS 4.6.1
cosh(asinh(x)) | sqrt(x^2 + 1) | AS 4.6.38
sinh(2*asinh(x)) | 2*x*sqrt(x^2 + 1) | AS 4.5.31
cosh(2*acosh(x)) | 2*x^2 - 1 | AS 4.5.32
tanh(2*atanh(x)) | 2*x/(x^2 + 1) | AS 4.5.33
tanh(atanh(x) + atanh(y)) | (x + y)/(1 + x*y) | AS 4.6.28
exp(asinh(x)) | x + sqrt(x^2 + 1) | AS 4.6.20
log(x + sqrt(x^2 + 1)) | asinh(x) | AS 4.6.20
log((1 + x)/(1 - x))/2 | atanh(x) | AS 4.6.22
cosh(log(x)) | (x + 1/x)/2 | AS 4.5.2
sinh(log(p::positive)) - (p - 1/p)/2 | 0 | AS 4.5.1
tanh(log(x)) | (x^2 - 1)/(x^2 + 1) | AS 4.5.3
log(a) + log(b) | log(a*b) | AS 4.1.6
log(a) - log(b) | log(a/b) | AS 4.1.8
log(p::positive^n) | n*log(p) | AS 4.1.10
log(exp(x)) | x | AS 4.1.12
log(p::positive*q::positive) - log(p) - log(q) | 0 | AS 4.1.6
log(p::positive/q::positive) + log(q) | log(p) | AS 4.1.8
log(p::positive^2) - 2*log(p) | 0 | AS 4.1.10
log(x)/log(10) | log10(x) | AS 4.1.19
log(8)/log(2) | 3 | AS 4.1.18
log(100)/log(10) | 2 | AS 4.1.19
log2(8*p::positive) - log2(p) | 3 | DLMF 4.2.16
log(sqrt(p::positive)) + log(p)/2 | log(p) | DLMF 4.8.5
log(6) - log(2) - log(3) | 0 | AS 4.1.6
log(exp(x)*exp(y)) | x + y | DLMF 4.8.4
exp(log(x)) | x | AS 4.2.4
exp(x)*exp(y) | exp(x + y) | AS 4.2.18
exp(x)^n*exp(-n*x) | 1 | AS 4.2.19
exp(2*log(x)) | x^2 | AS 4.2.7
exp(x + log(y)) | y*exp(x) | AS 4.2.18
exp(log(x)*y)/x^y | 1 | AS 4.2.7
exp(x)/(1 + exp(x)) - 1/(1 + exp(-x)) | 0 | AS 4.2.18
(exp(2*x) + 2*exp(x) + 1)/(exp(x) + 1) | exp(x) + 1 | AS 4.2.18
2^x*2^y | 2^(x + y) | AS 4.2.19
p::positive^x*p^y | p^(x + y) | AS 4.2.19
(p::positive^x)^y | p^(x*y) | AS 4.2.19
(x^a)^b | x^(a*b) | AS 4.2.19 | generic
log(x^2) | 2*log(x) | AS 4.1.10 | generic
log(x*y) - log(x) - log(y) | 0 | AS 4.1.6 | generic
x^a*y^a/(x*y)^a | 1 | AS 3.2.5 | generic
sqrt(x*y)/(sqrt(x)*sqrt(y)) | 1 | AS 3.2.5
sqrt(x^2) | abs(x) | AS 3.2.3
sqrt(p::positive^2*x^2) | p*abs(x) | AS 3.2.3
sqrt(8)*sqrt(2) | 4 | AS 3.2.5
sqrt(12)/sqrt(3) | 2 | AS 3.2.5
sqrt(18) + sqrt(8) | 5*sqrt(2) | HK 81
1/(sqrt(2) - 1) | sqrt(2) + 1 | HK 86
(sqrt(x) + sqrt(y))*(sqrt(x) - sqrt(y)) | x - y | HK 86
(sqrt(p::positive) + 1)^2 - p - 2*sqrt(p) | 1 | HK 81
(x - y)/(sqrt(x) - sqrt(y)) | sqrt(x) + sqrt(y) | HK 86
sqrt(3 + 2*sqrt(2)) | sqrt(2) + 1 | HK 88
sqrt(5 + 2*sqrt(6)) | sqrt(2) + sqrt(3) | HK 88
sqrt(7 - 4*sqrt(3)) | 2 - sqrt(3) | HK 88
1/(sqrt(x + 1) + sqrt(x)) + sqrt(x) | sqrt(x + 1) | HK 86
sqrt(x^2 + 2*x + 1) | abs(x + 1) | AS 3.2.3
sqrt(p::positive^4*q::negative^2) | -p^2*q | AS 3.2.3
cbrt(x)^3 | x | AS 3.2.3
cbrt(x^3) | x | AS 3.2.3
cbrt(x)*cbrt(y)/cbrt(x*y) | 1 | AS 3.2.5
(p::positive^(1/3))^6 | p^2 | AS 3.2.4
p::positive^(1/2)*p^(1/3) | p^(5/6) | AS 3.2.1
p::positive^(3/2)/p^(1/2) | p | AS 3.2.2
(x^2 - y^2)/(x - y) | x + y | HK 47
(x^3 - y^3)/(x - y) | x^2 + x*y + y^2 | HK 47
(x^3 + y^3)/(x + y) | x^2 - x*y + y^2 | HK 47
(x^4 - 1)/(x^2 - 1) | x^2 + 1 | HK 47
(x + y)^2 - (x - y)^2 | 4*x*y | HK 47
(x + y)^3 - x^3 - y^3 | 3*x*y*(x + y) | HK 47
x^2 + 2*x*y + y^2 | (x + y)^2 | HK 47
1/x + 1/y - (x + y)/(x*y) | 0 | HK 47
1/(1/x + 1/y) | x*y/(x + y) | HK 47
x/(x + 1) + 1/(x + 1) | 1 | HK 47
1/(x*(x + 1)) - 1/x + 1/(x + 1) | 0 | HK 391
(a^2 + b^2)*(c^2 + d^2) - (a*c + b*d)^2 | (a*d - b*c)^2 | HK 493
(x + 1)^4 - 4*x^3 - 6*x^2 - 4*x - 1 | x^4 | AS 3.1.1
x*(y + z) - x*y | x*z | HK 47
x^2*y + x*y^2 | x*y*(x + y) | HK 47
(x^2 + 3*x + 2)/(x + 1) | x + 2 | HK 47
(x^3 - 6*x^2 + 11*x - 6)/(x - 1)/(x - 2) | x - 3 | HK 47
a/(a - b) + b/(b - a) | 1 | HK 47
(a - b)*(b - c)*(c - a) + a^2*(b - c) + b^2*(c - a) + c^2*(a - b) | 0 | HK 523
f::boolean and (f or g::boolean) | f | BA absorption
f::boolean or (f and g::boolean) | f | BA absorption
(f::boolean and g::boolean) or (f and not g) | f | BA combining
(f::boolean or g::boolean) and (f or not g) | f | BA combining
(f::boolean and g::boolean) or (not f and h::boolean) or (g and h) | (f and g) or (not f and h) | BA consensus
not (not f::boolean and not g::boolean) | f or g | BA De Morgan
not (not f::boolean or g::boolean) | f and not g | BA De Morgan
f::boolean or (not f and g::boolean) | f or g | BA redundancy
(f::boolean and g::boolean) or (f and h::boolean) | f and (g or h) | BA distribution
(f::boolean or g::boolean) and (not f or g) and (f or not g) | f and g | BA combining
not (x < y) | x >= y | RA order
x < y and y > x | x < y | RA order
x <= y and y <= x | x == y | RA order
x < y or x >= y | true | RA order
x < y and x > y | false | RA order
x + 1 < y + 1 | x < y | RA order
2*x < 2*y | x < y | RA order
x - y > 0 | x > y | RA order
-x < -y | y < x | RA order
x^2 >= 0 | true | RA squares
x^2 + y^2 + 1 > 0 | true | RA squares
p::positive*x > 0 | x > 0 | RA order
abs(x) < 0 | false | RA absolute value
exp(x) > 0 | true | AS 4.2.1
x < 1 and x < 2 | x < 1 | RA order
x > 1 or x > 2 | x > 1 | RA order
ifelse(x < y, x, y) | min(x, y) | RA min
ifelse(x > y, x, y) | max(x, y) | RA max
ifelse(x >= 0, x, -x) | abs(x) | RA absolute value
ifelse(x < 0, -1, 1)*abs(x) | x | RA absolute value
ifelse(f::boolean, x + y, x + z) | x + ifelse(f, y, z) | BA choice
ifelse(f::boolean, 2*x, 3*x) | x*ifelse(f, 2, 3) | BA choice
ifelse(f::boolean, x, ifelse(f, y, z)) | ifelse(f, x, z) | BA choice
ifelse(not f::boolean, x, y) | ifelse(f, y, x) | BA choice
ifelse(f::boolean, x, y) + ifelse(f, y, x) | x + y | BA choice
ifelse(f::boolean, g::boolean, false) | f and g | BA choice
ifelse(f::boolean, true, g::boolean) | f or g | BA choice
abs(-x) | abs(x) | AS 3.2.6
abs(x)^2 | x^2 | AS 3.2.6
abs(x*y)/abs(y) | abs(x) | AS 3.2.6
abs(x)*abs(y) | abs(x*y) | AS 3.2.6
abs(x)*sign(x) | x | RA absolute value
x*sign(x) | abs(x) | RA absolute value
abs(x - y) - abs(y - x) | 0 | RA absolute value
sign(x)^2*x | x | RA sign
sign(abs(x) + 1) | 1 | RA sign
sign(p::positive*x) | sign(x) | RA sign
max(x, y) + min(x, y) | x + y | RA max
max(x, y) - min(x, y) | abs(x - y) | RA max
(x + y + abs(x - y))/2 | max(x, y) | RA max
(x + y - abs(x - y))/2 | min(x, y) | RA min
max(x, y)*min(x, y) | x*y | RA max
max(-x, -y) | -min(x, y) | RA max
max(x, x + 1) | x + 1 | RA max
max(x, min(x, y)) | x | RA lattice
min(max(x, y), max(x, z)) | max(x, min(y, z)) | RA lattice
max(x + z, y + z) | max(x, y) + z | RA max
max(2*x, 2*y) | 2*max(x, y) | RA max
max(x, -x) | abs(x) | RA absolute value
max(abs(x), 0) | abs(x) | RA absolute value
floor(floor(x)) | floor(x) | RA floor
floor(-x) + ceil(x) | 0 | RA floor
floor(x + 1) - floor(x) | 1 | RA floor
sign(x)*sign(y) | sign(x*y) | RA sign
"""
)

HELD_OUT = _read(
    """
sin(x)*sin(y) + cos(x)*cos(y) | cos(x - y) | AS 4.3.17
5 - 5*sin(x/3)^2 | 5*cos(x/3)^2 | AS 4.3.10
tan(x)^2 - sin(x)^2 - tan(x)^2*sin(x)^2 | 0 | AS 4.3.10
(1 - sin(x)^2)*(1 + tan(x)^2) | 1 | AS 4.3.10
(1 + cos(x))/sin(x) | cot(x/2) | AS 4.3.22
sin(x)/(1 - cos(x)) | cot(x/2) | AS 4.3.22
(1 - cos(2*x))/(1 + cos(2*x)) | tan(x)^2 | AS 4.3.22
4*sin(x)*cos(x)^3 - 4*sin(x)^3*cos(x) | sin(4*x) | AS 4.3.29
(3*tan(x) - tan(x)^3)/(1 - 3*tan(x)^2) | tan(3*x) | DLMF 4.21.30
sin(x)^2*cos(x)^2 | sin(2*x)^2/4 | AS 4.3.24
2*sin(x)*sin(y) - cos(x - y) | -cos(x + y) | AS 4.3.31
(cos(x) - cos(3*x))/(sin(3*x) - sin(x)) | tan(2*x) | AS 4.3.36
cos(x)^2 + cos(x + pi/3)^2 + cos(x - pi/3)^2 | 3/2 | GR 1.351
sin(x + y)*cos(y) - cos(x + y)*sin(y) | sin(x) | AS 4.3.16
cot(x)*sin(2*x) - cos(2*x) | 1 | AS 4.3.24
(sin(x) - cos(x))^2 + sin(2*x) | 1 | AS 4.3.24
sin(x)^6 - cos(x)^6 + cos(2*x) - cos(2*x)*sin(x)^2*cos(x)^2 | 0 | AS 4.3.25
csc(2*x) + cot(2*x) | cot(x) | AS 4.3.22
csc(2*x) - cot(2*x) | tan(x) | AS 4.3.22
sec(x)^2*cos(x)^4 + sin(x)^2 | 1 | AS 4.3.5
sin(pi/2 + x)*cos(x) + cos(pi/2 + x)*cos(pi/2 - x) | cos(2*x) | AS 4.3.44
cos(4*pi - x) | cos(x) | AS 4.3.44
sin(5*pi/3) | -sqrt(3)/2 | AS 4.3.46
cos(3*acos(x)) | 4*x^3 - 3*x | AS 4.3.28
cos(asin(x))^2 | 1 - x^2 | AS 4.3.45
sin(atan(x))/cos(atan(x)) | x | AS 4.3.45
tan(atan(x) - atan(y)) | (x - y)/(1 + x*y) | AS 4.4.34
2*atan(1/3) + atan(1/7) | pi/4 | AS 4.4.34
cos(asin(x) - acos(x)) | 2*x*sqrt(1 - x^2) | AS 4.4.36
sinh(x)*cosh(y) - cosh(x)*sinh(y) | sinh(x - y) | AS 4.5.24
1 - tanh(x)^2 - sech(x)^2 | 0 | AS 4.5.17
(cosh(2*x) - 1)/2 | sinh(x)^2 | AS 4.5.28
(1 + tanh(x))/(1 - tanh(x)) | exp(2*x) | AS 4.5.3
8*cosh(x)^4 - 8*cosh(x)^2 + 1 | cosh(4*x) | AS 4.5.37
(sinh(x) + sinh(y))/(cosh(x) + cosh(y)) | tanh((x + y)/2) | AS 4.5.41
sinh(x + y)*sinh(x - y) + sinh(y)^2 | sinh(x)^2 | AS 4.5.40
tanh(log(x)/2) | (x - 1)/(x + 1) | AS 4.5.3
exp(acosh(x)) | x + sqrt(x - 1)*sqrt(x + 1) | AS 4.6.21
sinh(acosh(x)) | sqrt(x^2 - 1) | AS 4.6.39
tanh(asinh(x)) | x/sqrt(x^2 + 1) | AS 4.6.38
exp(-x)*(exp(2*x) + 1)/2 | cosh(x) | AS 4.5.2
2/(exp(x) + exp(-x)) | sech(x) | AS 4.5.4
exp(3*log(p::positive) - log(p)) | p^2 | AS 4.2.7
log(p::positive^3*q::positive) - 3*log(p) | log(q) | AS 4.1.6
log(27)/log(3) | 3 | AS 4.1.18
log(x)/log(2) + log2(y) | log2(x*y) | DLMF 4.2.16
exp(x)^2*exp(y)/exp(x + y) | exp(x) | AS 4.2.18
4^x/2^x | 2^x | AS 4.2.19
sqrt(4*x^2 + 4*x + 1) | abs(2*x + 1) | AS 3.2.3
sqrt(27) - sqrt(12) | sqrt(3) | HK 81
1/(sqrt(3) + sqrt(2)) | sqrt(3) - sqrt(2) | HK 86
sqrt(11 + 6*sqrt(2)) | sqrt(2) + 3 | HK 88
p::positive/sqrt(p) | sqrt(p) | AS 3.2.2
(p::positive - 1)/(sqrt(p) + 1) | sqrt(p) - 1 | HK 86
(x^4 + x^2 + 1)/(x^2 + x + 1) | x^2 - x + 1 | HK 47
(a/b - b/a)/(1/b - 1/a) | a + b | HK 47
(x + y)^4 - (x - y)^4 | 8*x*y*(x^2 + y^2) | HK 47
1/(x - 1) - 1/(x + 1) - 2/(x^2 - 1) | 0 | HK 47
(f::boolean and not g::boolean) or (not f and not g) | not g | BA combining
not (f::boolean and g::boolean) or g | true | BA De Morgan
(f::boolean or g::boolean) and (f or h::boolean) and (f or not h) | f | BA combining
x <= y or x > y | true | RA order
3*x - 3*y >= 0 | x >= y | RA order
x < 3 and x >= 3 | false | RA order
ifelse(x > 0, x, 0) | max(x, 0) | RA max
ifelse(f::boolean, x, 0) + ifelse(f, 0, x) | x | BA choice
ifelse(f::boolean, x*y, x*z) | x*ifelse(f, y, z) | BA choice
abs(x)*abs(1/x) | 1 | AS 3.2.6
abs(p::positive*x)/p | abs(x) | AS 3.2.6
sign(x)*x^2 | x*abs(x) | RA sign
min(x, y) + abs(x - y) | max(x, y) | RA max
min(-x, x) | -abs(x) | RA absolute value
max(x - z, y - z) + z | max(x, y) | RA max
ceil(x + 2) - ceil(x) | 2 | RA floor
cos(x)*cos(y) + sin(x)*sin(y) | cos(x - y) | AS 4.3.17
7*cos(z)^2 + 7*sin(z)^2 - 7*w | 7 - 7*w | AS 4.3.10
sin(x)^2*cos(y)^2 - cos(x)^2*sin(y)^2 | sin(x)^2 - sin(y)^2 | AS 4.3.20
cos(3*x) - 4*cos(x)^3 + 3*cos(x) + z | z | AS 4.3.28
(1 + tan(x)^2)*cos(x)^2 - sin(y)^2 | cos(y)^2 | DLMF 4.21.13
sin(2*x)*cos(x) - cos(2*x)*sin(x) | sin(x) | AS 4.3.16
cos(x)^2*tan(x)^2 + cos(x)^2 | 1 | AS 4.3.3
(sin(x) + sin(3*x))/(2*sin(2*x)) | cos(x) | AS 4.3.34
tan(x + pi/2) | -cot(x) | AS 4.3.44
sin(x + pi/4)^2 + sin(x - pi/4)^2 | 1 | AS 4.3.16
cos(x/2)^2 - sin(x/2)^2 | cos(x) | AS 4.3.25
2*sin(x/2)*cos(x/2) | sin(x) | AS 4.3.24
1/(sec(x)^2) + sin(x)^2 | 1 | AS 4.3.5
cot(x)^2 - cos(x)^2 - cot(x)^2*cos(x)^2 | 0 | AS 4.3.12
sin(17*pi/6) | 1/2 | AS 4.3.46
cos(-pi/3) + sin(pi/6) | 1 | AS 4.3.46
tan(acos(x)) | sqrt(1 - x^2)/x | AS 4.3.45
sin(acos(x))^2 + x^2 | 1 | AS 4.3.45
asin(x) + acos(x) + asin(y) + acos(y) | pi | AS 4.4.14
3*atan(1/4) + atan(1/20) + atan(1/1985) | pi/4 | AS 3.3
cosh(x)^2*(1 - tanh(x)^2) | 1 | AS 4.5.17
sinh(2*x)/(2*sinh(x)) | cosh(x) | AS 4.5.31
(cosh(x) + sinh(x))^3*exp(-3*x) | 1 | AS 4.5.53
coth(x) - tanh(x) | 2/sinh(2*x) | AS 4.5.31
1/(1 + exp(-2*x)) - exp(x)/(2*cosh(x)) | 0 | AS 4.5.2
log((exp(x) + exp(-x))/2) | log(cosh(x)) | AS 4.5.2
exp(x - log(p::positive)) | exp(x)/p | AS 4.2.18
log(p::positive^5/q::positive^2) - 5*log(p) + 2*log(q) | 0 | AS 4.1.8
log(exp(x)/exp(y)) | x - y | AS 4.1.12
log(16)/log(4) | 2 | AS 4.1.18
3^x*3^(2*x)/3^(3*x) | 1 | AS 4.2.19
9^x - 3^(2*x) | 0 | AS 4.2.19
sqrt(50) - sqrt(32) + sqrt(2) | 2*sqrt(2) | HK 81
sqrt(x^2*y^2) | abs(x*y) | AS 3.2.3
sqrt(9 - 4*sqrt(5)) | sqrt(5) - 2 | HK 88
(x*sqrt(y) + y*sqrt(x))/(sqrt(x)*sqrt(y)) | sqrt(x) + sqrt(y) | HK 86
(x^6 - 1)/(x^3 - 1) | x^3 + 1 | HK 47
1/(x + 1) - 1/(x + 2) - 1/((x + 1)*(x + 2)) | 0 | HK 391
((x + y)^2 - x^2 - y^2)/(2*x) | y | HK 47
x^2/(x - y) - y^2/(x - y) | x + y | HK 47
(a + b + c)^2 - a^2 - b^2 - c^2 - 2*a*b - 2*b*c - 2*a*c | 0 | HK 47
not (x <= y) | x > y | RA order
x > y and x >= y | x > y | RA order
(f::boolean and g::boolean and h::boolean) or (f and g and not h) | f and g | BA combining
not (not f::boolean) | f | BA De Morgan
ifelse(f::boolean, x, x) | x | BA choice
ifelse(x > 0, x, -x) + ifelse(x > 0, -x, x) | 0 | BA choice
min(x, y) + max(x, y) - x | y | RA max
max(3*x, 3*y)/3 | max(x, y) | RA max
abs(x^2)/x^2 | 1 | AS 3.2.6
abs(x - y)^2 - (x - y)^2 | 0 | AS 3.2.6
sign(-x) + sign(x) | 0 | RA sign
floor(x) + ceil(-x) | 0 | RA floor
min(x, x + 2) | x | RA max
max(x, y) - max(y, x) | 0 | RA max
"""
)
