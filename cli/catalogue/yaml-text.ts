/** Words that a YAML reader of some version takes for something else than text. */
const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

/** A text as a YAML scalar that every reader takes for that text. */
export function yamlText(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_./@-]*$/.test(text) && !RESERVED.test(text) ? text : JSON.stringify(text);
}
