import { defineConfig, type TestUserConfig } from 'vitest/config'

/** Fast ones take tenths of a second each, slow ones seconds: stories, hundreds of cases, or files and threads of their own. */
const inProcess: TestUserConfig = {
  // Seconds at rest; a machine whose processors are taken elsewhere needs several times as much.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Files share their modules: reading the schemas once instead of once a file halves the time.
  isolate: false,
  // One more than processors: a fourth of the time is waiting for disks and timers.
  maxWorkers: 3,
  // What a test makes dies young: less than half of the time for collecting it.
  execArgv: ['--max-semi-space-size=64'],
  sequence: { groupOrder: 0 },
}

// real: containerd, kubectl, network namespaces; minutes, one file at a time.
export default defineConfig({
  test: {
    // What was translated once is not translated again: a third of the time that imports take.
    experimental: { fsModuleCache: true },
    projects: [
      {
        test: {
          ...inProcess,
          name: 'fast',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/*.{slow,real,long}.test.ts'],
        },
      },
      {
        test: { ...inProcess, name: 'slow', include: ['src/**/*.slow.test.ts'] },
      },
      {
        test: {
          name: 'real',
          include: ['{src,scripts}/**/*.real.test.ts', 'tests/**/*.test.ts'],
          exclude: ['**/*.{slow,long}.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // After the fast ones: whoever waits for a container is not held up by them.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'long',
          include: ['src/**/*.long.test.ts', 'tests/**/*.long.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'calico',
          include: ['tests/calico/*.calico.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
