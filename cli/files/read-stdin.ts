import { AegisError } from '../../policy/errors.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** All of standard input as UTF-8 text. @throws AegisError AEGIS_FILE_TOO_LARGE, AEGIS_FILE_UNREADABLE */
export async function readStdin(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) throw new AegisError('AEGIS_FILE_TOO_LARGE', 'Standard input is too long.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new AegisError('AEGIS_FILE_UNREADABLE', 'Standard input is not UTF-8 text.', { cause: error });
  }
}
