import path from 'node:path';
import { nodeFileSystem } from '../../../cli/files/file-system.ts';
import { readSources } from '../../../cli/files/read-sources.ts';
import { loadSources } from '../../../policy/source/load-sources.ts';

const SAMPLES = path.join(__dirname, '../../../config/samples');

async function* nothing(): AsyncGenerator<Uint8Array> {}

test.each(['fintech', 'ehr', 'cicd', 'egress'])('the sample %s loads without findings', async (name) => {
  const sources = await readSources([path.join(SAMPLES, name)], { files: nodeFileSystem, stdin: nothing() });
  const { resources, findings } = loadSources(sources);
  expect(findings).toEqual([]);
  expect(new Set(resources.map(({ object }) => object.kind))).toEqual(
    new Set([
      'AgentTool',
      'AgentRegistration',
      'AgentPolicy',
      'TestSuite',
      ...(name === 'fintech' ? ['AgentTenant'] : []),
    ]),
  );
});
