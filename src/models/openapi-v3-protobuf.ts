import {
  any,
  double,
  type FieldRule,
  flag,
  integer,
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

/** An OpenAPI 3.0 document in the protobuf form of gnostic, as `application/com.github.proto-openapi.spec.v3.v1.0+protobuf`. */
export function openApiV3Protobuf(document: object): Uint8Array {
  const writer = new WireWriter()
  writeFields(writer, document as Json, documentFields, 9)
  return writer.finish()
}

/** Either the thing itself, in field 1, or a reference to it, in field 2. */
const orReference = (write: Write): Write => {
  const [itself, reference] = [within(1, write), within(2, message({ $ref: [1, text] }))]
  return (w, value) => (Object.hasOwn(value as Json, '$ref') ? reference : itself)(w, value)
}

const schema: Write = (w, value) => void w.message(m => writeFields(m, value as Json, schemaFields, 36))
const schemaOrReference = orReference(schema)

const additional: Write = (w, value) =>
  (typeof value === 'boolean' ? within(2, flag) : within(1, schemaOrReference))(w, value)

/** Numbers, booleans and texts: there is no field for others, which are an empty message. */
const fallback: Write = (w, value) => {
  const byType: Record<string, Write> = { number: within(1, double), boolean: within(2, flag), string: within(3, text) }
  const write = byType[typeof value] ?? message({})
  write(w, value)
}

const schemaFields: Record<string, FieldRule> = {
  nullable: [1, flag],
  example: [7, any],
  deprecated: [8, flag],
  title: [9, text],
  multipleOf: [10, double],
  maximum: [11, double],
  exclusiveMaximum: [12, flag],
  minimum: [13, double],
  exclusiveMinimum: [14, flag],
  maxLength: [15, integer],
  minLength: [16, integer],
  pattern: [17, text],
  maxItems: [18, integer],
  minItems: [19, integer],
  uniqueItems: [20, flag],
  maxProperties: [21, integer],
  minProperties: [22, integer],
  required: [23, text],
  enum: [24, any],
  type: [25, text],
  allOf: [26, schemaOrReference],
  oneOf: [27, schemaOrReference],
  anyOf: [28, schemaOrReference],
  not: [29, schema],
  items: [30, within(1, schemaOrReference)],
  properties: [31, named(1, schemaOrReference)],
  additionalProperties: [32, additional],
  default: [33, fallback],
  description: [34, text],
  format: [35, text],
}

const mediaTypes = named(1, message({ schema: [1, schemaOrReference] }, 5))

const parameter = message(
  {
    name: [1, text],
    in: [2, text],
    description: [3, text],
    required: [4, flag],
    schema: [10, schemaOrReference],
    content: [13, mediaTypes],
  },
  14,
)

const operation = message(
  {
    tags: [1, text],
    summary: [2, text],
    description: [3, text],
    operationId: [5, text],
    parameters: [6, orReference(parameter)],
    requestBody: [
      7,
      orReference(message({ description: [1, text], content: [2, mediaTypes], required: [3, flag] }, 4)),
    ],
    responses: [8, named(2, orReference(message({ description: [1, text], content: [3, mediaTypes] }, 5)))],
    deprecated: [10, flag],
  },
  13,
)

const pathItem = message(
  {
    summary: [2, text],
    description: [3, text],
    get: [4, operation],
    put: [5, operation],
    post: [6, operation],
    delete: [7, operation],
    options: [8, operation],
    head: [9, operation],
    patch: [10, operation],
    parameters: [13, orReference(parameter)],
  },
  14,
)

const securityScheme = message(
  { type: [1, text], description: [2, text], name: [3, text], in: [4, text], scheme: [5, text] },
  9,
)

const documentFields: Record<string, FieldRule> = {
  openapi: [1, text],
  info: [2, message({ title: [1, text], description: [2, text], version: [6, text] }, 7)],
  paths: [4, named(1, pathItem)],
  components: [
    5,
    message({ schemas: [1, named(1, schemaOrReference)], securitySchemes: [7, named(1, orReference(securityScheme))] }),
  ],
  security: [6, namedTexts(1)],
}
