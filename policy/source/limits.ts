/** What one source file may contain. Everything above is refused, so that hostile input costs bounded work. */
export const SOURCE_LIMITS = {
  /** UTF-16 code units of one file. */
  fileLength: 32 * 1024 * 1024,
  /** UTF-16 code units of one YAML document; the Kubernetes API server accepts about this much. */
  documentLength: 1024 * 1024,
  documents: 10_000,
  /** Nested collections of one document. */
  depth: 64,
  /** Aliases (`*name`) of one document. */
  aliases: 100,
  /** Keys, values and items of one document once its aliases are expanded. */
  nodes: 200_000,
  /** Findings that one document reports; the first ones say enough. */
  findingsPerDocument: 20,
} as const;
