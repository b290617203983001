# Ways to fail, and an identity.
package aegis

decision := input.value

decision := data.value if input.mode == "data"

decision := 1 / input.zero if input.mode == "abort"

decision := (input.huge > 1) if input.mode == "invalid number"

decision := count([[a, b] | some a in input.list; some b in input.list]) if input.mode == "product"
