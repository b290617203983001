/**
 * No mock: the library itself, as Node loads it. It is an ES module of some thousand files, which jest can neither
 * require as it is nor transform in reasonable time. Jest takes this file wherever the package is imported.
 */
import { runInThisContext } from 'node:vm';

const { createRequire } = (runInThisContext('process') as NodeJS.Process).getBuiltinModule('node:module');

module.exports = createRequire(__filename)('@kubernetes/client-node');
