/**
 * Splits the text of a canonical JSON object into its members, value texts untouched, so that exact numbers stay as
 * they were signed. Only for verified documents: no white space, no error handling beyond a null answer.
 */
export function jsonMembers(text: string): Map<string, string> | null {
  const members = new Map<string, string>();
  if (text === '{}') return members;
  if (!text.startsWith('{') || !text.endsWith('}')) return null;
  let position = 1;
  while (position < text.length) {
    const keyEnd = endOfString(text, position);
    if (keyEnd < 0 || text[keyEnd] !== ':') return null;
    const valueEnd = endOfValue(text, keyEnd + 1);
    if (valueEnd < 0) return null;
    members.set(JSON.parse(text.slice(position, keyEnd)) as string, text.slice(keyEnd + 1, valueEnd));
    position = valueEnd + 1;
  }
  return members;
}

/** Position behind the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  if (text[start] !== '"') return -1;
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return -1;
}

/** Position of the `,` or `}` behind the value that starts at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const character = text[i] as string;
    if (character === '"') {
      i = endOfString(text, i) - 1;
      if (i < start) return -1;
    } else if (character === '{' || character === '[') depth++;
    else if (character === ',' && depth === 0) return i;
    else if (character === '}' || character === ']') {
      if (depth === 0) return i;
      depth--;
    }
  }
  return -1;
}
