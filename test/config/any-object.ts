import fc from 'fast-check';

type Path = readonly (string | number)[];

/** Places of an object whose value a health check could look at. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, each]) =>
    pathsOf(each, [...path, Array.isArray(value) ? Number(name) : name]),
  );
  return [path, ...inner];
}

function replaced(value: unknown, [first, ...rest]: Path, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((each, index) => (index === first ? replaced(each, rest, by) : each));
  const entries = Object.entries(value as object).map(([name, each]) => [
    name,
    name === String(first) ? replaced(each, rest, by) : each,
  ]);
  // undefined stands for a field that is not there
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

const strange = fc.oneof(
  fc.constantFrom(undefined, null, true, false, '', 'True', 'False', 'Unknown', 'Shadow', 0, -1, 3, 3.5, 2 ** 53),
  fc.constantFrom([], {}, [null], [[]], [{}], { conditions: {} }, ['Ready'], [{ type: 'Ready' }], [{ status: 'True' }]),
  fc.string(),
  fc.jsonValue({ maxDepth: 2 }),
);

/** One of these objects with up to three places changed to something that does not belong there. */
export function anyObject(objects: readonly object[]): fc.Arbitrary<object> {
  const change = (object: unknown) =>
    fc
      .tuple(
        fc.constantFrom(...pathsOf(object).filter(([first]) => first === 'status' || first === 'metadata')),
        strange,
      )
      .map(([path, by]) => replaced(object, path, by));
  return fc
    .constantFrom<unknown>(...objects)
    .chain(change)
    .chain((once) =>
      fc.oneof(
        fc.constant(once),
        safely(once, change).chain((twice) => safely(twice, change)),
      ),
    )
    .map((object) => object as object);
}

/** An object that has lost both status and metadata cannot be changed there again. */
function safely(object: unknown, change: (object: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const left = pathsOf(object).some(([first]) => first === 'status' || first === 'metadata');
  return left ? change(object) : fc.constant(object);
}
