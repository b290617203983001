/** Run as a process of its own by sign-bundle.test.ts: prints the SHA-256 of the fixture bundle's archive. */
import { createHash } from 'node:crypto';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { makeSigned } from './fixtures.ts';

console.log(createHash('sha256').update(packBundle(makeSigned())).digest('hex'));
