/**
 * Whether version `a` is older than `b`. Versions of one kind are integers that grow (Kubernetes 1.35); of others nothing
 * is known, and false is answered.
 */
export function isOlder(a: string, b: string): boolean {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
