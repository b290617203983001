# Comparisons of numbers, as conditions make them.
package aegis

decision := [[a < b, a <= b, a == b, a in {b}, a > 5000, a <= 5000000000, a <= 0.1] |
	some pair in input.pairs
	a := pair[0]
	b := pair[1]
]
