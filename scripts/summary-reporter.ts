import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * The last lines of a test run: what was skipped, with the reason that its suite's title gives in parentheses, and the
 * count in the one form that other programs read.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], _reason: TestRunEndReason): void {
    let passed = 0
    let failed = errors.length
    let skippedCount = 0
    const skipped = new Map<string, number>()
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].every(t => t.result().state !== 'failed'))
        failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else {
          skippedCount++
          const suite = test.fullName.split(' > ')[0] ?? test.fullName
          const name = `${module.relativeModuleId}: ${suite}`
          skipped.set(name, (skipped.get(name) ?? 0) + 1)
        }
      }
    }
    if (skipped.size) {
      console.log('\nNot run here:')
      for (const [name, count] of skipped) console.log(`  ${count} × ${name}`)
    }
    console.log(`\n${passed} passed, ${failed} failed, ${skippedCount} skipped`)
  }
}
