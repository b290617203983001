/** Changes a body that comes in pieces of text. Throws an AegisError where it cannot go on. */
export interface BodyRewriter {
  /** Returns what may leave. */
  write(text: string): string;
  /** Nothing follows: returns the rest. */
  end(): string;
  /** Text is held because what follows may make a match of it, and the sender may be waiting. */
  readonly waits: boolean;
  /** Nothing came for a while: returns what was held, with everything changed that could be a part of a match. */
  release(): string;
}
