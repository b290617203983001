/** A member that the object itself has: names in slices and calls come from outside (`constructor`, `toString` …). */
export function own<T>(object: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}
