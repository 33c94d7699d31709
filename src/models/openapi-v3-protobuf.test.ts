import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { openApiV3Protobuf } from './openapi-v3-protobuf.ts'

// As much of gnostic's OpenAPIv3.proto as the document below fills.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string yaml = 2; }
  message NamedAny { string name = 1; Any value = 2; }
  message Document { string openapi = 1; Paths paths = 4; Components components = 5; repeated Requirement security = 6; }
  message Requirement { repeated NamedTexts additional_properties = 1; }
  message NamedTexts { string name = 1; Texts value = 2; }
  message Texts { repeated string value = 1; }
  message Components { Schemas schemas = 1; }
  message Schemas { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; SchemaOrReference value = 2; }
  message SchemaOrReference { Schema schema = 1; Reference reference = 2; }
  message Reference { string ref = 1; }
  message Schema { bool nullable = 1; double maximum = 11; int64 max_length = 15; repeated string required = 23;
    repeated Any enum = 24; string type = 25; repeated SchemaOrReference all_of = 26; Items items = 30; Schemas properties = 31;
    Additional additional_properties = 32; Default default = 33; repeated NamedAny specification_extension = 36; }
  message Items { repeated SchemaOrReference schema_or_reference = 1; }
  message Additional { SchemaOrReference schema_or_reference = 1; bool boolean = 2; }
  message Default { double number = 1; bool boolean = 2; string string = 3; }
  message Paths { repeated NamedPath path = 1; }
  message NamedPath { string name = 1; Path value = 2; }
  message Path { Operation patch = 10; }
  message Operation { repeated ParameterOrReference parameters = 6; RequestBodyOrReference request_body = 7;
    Responses responses = 8; repeated NamedAny specification_extension = 13; }
  message ParameterOrReference { Parameter parameter = 1; }
  message Parameter { string name = 1; string in = 2; SchemaOrReference schema = 10; }
  message RequestBodyOrReference { RequestBody request_body = 1; }
  message RequestBody { MediaTypes content = 2; }
  message MediaTypes { repeated NamedMediaType additional_properties = 1; }
  message NamedMediaType { string name = 1; MediaType value = 2; }
  message MediaType { SchemaOrReference schema = 1; }
  message Responses { repeated NamedResponse response_or_reference = 2; }
  message NamedResponse { string name = 1; ResponseOrReference value = 2; }
  message ResponseOrReference { Response response = 1; }
  message Response { string description = 1; }
`)

test('the protobuf form says what the JSON form says, where gnostic expects it', () => {
  const content = { 'application/json-patch+json': { schema: { type: 'object' } } }
  const written = openApiV3Protobuf({
    openapi: '3.0.0',
    security: [{ BearerToken: [] }],
    components: {
      schemas: {
        A: {
          type: 'object',
          required: ['list'],
          properties: {
            list: { type: 'array', items: { $ref: '#/components/schemas/B' } },
            map: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
            count: { type: 'integer', nullable: true, maximum: 1.5, maxLength: 3, default: 2, enum: [1, 'x'] },
            meta: { allOf: [{ $ref: '#/components/schemas/B' }] },
          },
          'x-kubernetes-map-type': 'atomic',
        },
      },
    },
    paths: {
      '/a': {
        patch: {
          parameters: [{ name: 'dryRun', in: 'query', schema: { type: 'string' } }],
          requestBody: { content },
          responses: { 200: { description: 'OK' } },
          'x-kubernetes-action': 'patch',
        },
      },
    },
  })
  const b = { reference: { ref: '#/components/schemas/B' } }
  const type = root.lookupType('Document')
  expect(type.toObject(type.decode(written), { longs: Number })).toEqual({
    openapi: '3.0.0',
    security: [{ additionalProperties: [{ name: 'BearerToken', value: {} }] }],
    components: {
      schemas: {
        additionalProperties: [
          {
            name: 'A',
            value: {
              schema: {
                type: 'object',
                required: ['list'],
                properties: {
                  additionalProperties: [
                    { name: 'list', value: { schema: { type: 'array', items: { schemaOrReference: [b] } } } },
                    {
                      name: 'map',
                      value: {
                        schema: {
                          type: 'object',
                          additionalProperties: { schemaOrReference: { schema: { type: 'string' } } },
                          default: {},
                        },
                      },
                    },
                    {
                      name: 'count',
                      value: {
                        schema: {
                          ...{ type: 'integer', nullable: true, maximum: 1.5, maxLength: 3, default: { number: 2 } },
                          enum: [{ yaml: '1' }, { yaml: '"x"' }],
                        },
                      },
                    },
                    { name: 'meta', value: { schema: { allOf: [b] } } },
                  ],
                },
                specificationExtension: [{ name: 'x-kubernetes-map-type', value: { yaml: '"atomic"' } }],
              },
            },
          },
        ],
      },
    },
    paths: {
      path: [
        {
          name: '/a',
          value: {
            patch: {
              parameters: [{ parameter: { name: 'dryRun', in: 'query', schema: { schema: { type: 'string' } } } }],
              requestBody: {
                requestBody: {
                  content: {
                    additionalProperties: [
                      { name: 'application/json-patch+json', value: { schema: { schema: { type: 'object' } } } },
                    ],
                  },
                },
              },
              responses: {
                responseOrReference: [{ name: '200', value: { response: { description: 'OK' } } }],
              },
              specificationExtension: [{ name: 'x-kubernetes-action', value: { yaml: '"patch"' } }],
            },
          },
        },
      ],
    },
  })
})
