import {
  any,
  type FieldRule,
  flag,
  type Json,
  message,
  named,
  namedTexts,
  text,
  type Write,
  within,
  writeFields,
} from './gnostic.ts'
import { WireWriter } from './protobuf/wire.ts'

/** The Swagger 2.0 document in the protobuf form of gnostic, which kubectl asks for. */
export function openApiV2Protobuf(document: object): Uint8Array {
  const writer = new WireWriter()
  writeFields(writer, document as Json, documentFields, 16)
  return writer.finish()
}

const schema: Write = (w, value) => void w.message(m => writeFields(m, value as Json, schemaFields, 31))

const schemaFields: Record<string, FieldRule> = {
  $ref: [1, text],
  format: [2, text],
  title: [3, text],
  description: [4, text],
  default: [5, any],
  pattern: [13, text],
  required: [19, text],
  enum: [20, any],
  additionalProperties: [
    21,
    (w, value) => (typeof value === 'boolean' ? within(2, flag) : within(1, schema))(w, value),
  ],
  type: [22, within(1, text)],
  items: [23, within(1, schema)],
  allOf: [24, schema],
  properties: [25, named(1, schema)],
}

/** Where a parameter may stand: number of its message in NonBodyParameter, and those of its fields that differ. */
const places: Record<string, { id: number; type: number; format: number; unique: number }> = {
  query: { id: 3, type: 6, format: 7, unique: 20 },
  path: { id: 4, type: 5, format: 6, unique: 19 },
}

const bodyParameter = message({
  description: [1, text],
  name: [2, text],
  in: [3, text],
  required: [4, flag],
  schema: [5, schema],
})

const parameter: Write = (w, value) => {
  const place = String((value as Json)['in'])
  const inner = within(1, (m, v) => {
    if (place === 'body') return within(1, bodyParameter)(m, v)
    const at = places[place]!
    const fields: Record<string, FieldRule> = {
      required: [1, flag],
      in: [2, text],
      description: [3, text],
      name: [4, text],
      type: [at.type, text],
      format: [at.format, text],
      uniqueItems: [at.unique, flag],
    }
    within(2, within(at.id, message(fields)))(m, v)
  })
  inner(w, value)
}

const response = message({ description: [1, text], schema: [2, within(1, schema)] })

const operation = message(
  {
    tags: [1, text],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    produces: [6, text],
    consumes: [7, text],
    parameters: [8, parameter],
    responses: [9, named(1, within(1, response))],
    schemes: [10, text],
    deprecated: [11, flag],
  },
  13,
)

const pathItem = message({
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  options: [6, operation],
  head: [7, operation],
  patch: [8, operation],
  parameters: [9, parameter],
})

const apiKey = message({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] })
const documentFields: Record<string, FieldRule> = {
  swagger: [1, text],
  info: [2, message({ title: [1, text], version: [2, text], description: [3, text] })],
  paths: [8, named(2, pathItem)],
  definitions: [9, named(1, schema)],
  security: [12, namedTexts(1)],
  securityDefinitions: [13, named(1, within(2, apiKey))],
}
