import type { ToolContract } from '../../policy/mapping/contract.ts';
import { refuse } from './refusal.ts';
import type { HeaderMap } from './request-headers.ts';

/**
 * Headers that the tool's contract refuses, such as those by which a caller acts for somebody else. CGI and WSGI read
 * `_` as `-`, so that both count.
 * @throws MappingError AEGIS_MAPPING_HEADER
 */
export function checkRefusedHeaders(headers: HeaderMap, { refuseHeaders }: Pick<ToolContract, 'refuseHeaders'>): void {
  if (refuseHeaders === undefined) return;
  for (const header of headers.keys()) {
    const name = header.replaceAll('_', '-');
    if (refuseHeaders.some((refused) => covers(refused, name))) {
      refuse('AEGIS_MAPPING_HEADER', `The tool's contract refuses calls with the header ${name.slice(0, 128)}.`);
    }
  }
}

function covers(refused: string, name: string): boolean {
  return refused.endsWith('*') ? name.startsWith(refused.slice(0, -1)) : refused === name;
}
