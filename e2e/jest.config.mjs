import base from '../jest.config.mjs';

/** The suites that need a cluster: `npm run e2e`. */
export default {
  ...base,
  rootDir: '..',
  roots: ['<rootDir>/e2e/suites'],
  testMatch: ['**/*.e2e.ts'],
  testTimeout: 180_000,
};
