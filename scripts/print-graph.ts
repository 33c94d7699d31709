/** Writes docs/controllers.md: what each reconciler watches and writes, as it declares. `npm run graph` */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatGraph, reconcilerGraph } from '../src/client/reconciler-graph.ts'
import { allReconcilers } from '../src/main/reconcilers.ts'

const reconcilers = allReconcilers({
  settings: { clusterCidr: '10.244.0.0/16' },
  ca: '',
  signer: { sign: async () => '' },
} as Parameters<typeof allReconcilers>[0])
const text = `# What the control plane watches and writes

Printed from the reconcilers' own declarations by \`npm run graph\`; an undeclared write fails in tests.

${formatGraph(reconcilerGraph(reconcilers)).trim()}
`
writeFileSync(resolve(import.meta.dirname, '../docs/controllers.md'), text)
