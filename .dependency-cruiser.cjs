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
  explain: ['models', 'client', 'controller'],
  network: ['models', 'client'],
  gateway: ['models', 'client'],
  agent: ['models', 'client', 'runtime', 'plugins'],
  cli: ['models', 'client', 'explain', 'main'],
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
    {
      name: 'texts-are-late',
      severity: 'error',
      comment: 'a text for each field of every kind is read when somebody asks for an OpenAPI document, not at the start',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/apiserver/openapi/document-v[23]\\.ts$', dynamic: false },
    },
    {
      name: 'texts-are-for-documents',
      severity: 'error',
      comment: 'who writes no document needs no texts',
      from: { path: '^src/', pathNot: '^src/(apiserver/openapi/document-v[23]|models/(explained/.*|openapi|custom/custom-openapi))\\.ts$|\\.test\\.ts$' },
      to: { path: '^src/models/(explained/|openapi\\.ts|custom/custom-openapi\\.ts)', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}
