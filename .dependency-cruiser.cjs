// The floors of ARCHITECTURE.md. A room may import base, itself, and what its row names; nothing else, and never in a circle.
const rooms = {
  base: [],
  models: [],
  db: [],
  runtime: [],
  plugins: [],
  client: ['models'],
  apiserver: ['models', 'db'],
  scheduler: ['models', 'client'],
  controller: ['models', 'client', 'plugins'],
  discovery: ['models', 'client'],
  network: ['models', 'client'],
  gateway: ['models', 'client'],
  agent: ['models', 'client', 'runtime', 'plugins'],
  cli: ['models', 'client', 'main'],
}

const walls = Object.entries(rooms).map(([room, mayImport]) => ({
  name: `room-${room}`,
  severity: 'error',
  comment: `src/${room} may import base${mayImport.map(r => `, ${r}`).join('')} and itself`,
  from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$|/testing/' },
  to: { path: '^src/', pathNot: `^src/(${['base', room, ...mayImport].join('|')})/` },
}))

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    ...walls,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}
