import { ApiServer } from './api-server.ts';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
});
afterAll(() => server?.stop());

test('serves the kinds of Aegis', () => {
  const kinds = server.kubectl(['api-resources', '--api-group=aegis.dev', '--no-headers', '-o', 'name']);
  expect(kinds.trim().split('\n')).toContain('agentpolicies.aegis.dev');
});
