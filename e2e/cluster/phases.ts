/** Says what took how long, on standard error. */
export async function phase<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    const result = await work();
    console.error(`── ${name}: ${seconds(start)}`);
    return result;
  } catch (error) {
    console.error(`── ${name}: FAILED after ${seconds(start)}`);
    throw error;
  }
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
