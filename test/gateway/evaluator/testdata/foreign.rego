# Uses builtins that the host does not have.
package aegis

decision := {"now": time.now_ns(), "text": sprintf("%v", [input])}
