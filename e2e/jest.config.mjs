import base from '../jest.config.mjs';

/** The suites that need a cluster: `npm run e2e`. */
export default {
  ...base,
  rootDir: '..',
  roots: ['<rootDir>/e2e/suites'],
  testMatch: ['**/*.e2e.ts'],
  testTimeout: 180_000,
  // the folder for temporary files goes with the cluster
  cacheDirectory: '<rootDir>/node_modules/.cache/jest-e2e',
};
