import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { openApiV2Protobuf } from './openapi-v2-protobuf.ts'

// As much of gnostic's OpenAPIv2.proto as the document below fills.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string yaml = 2; }
  message NamedAny { string name = 1; Any value = 2; }
  message Document { string swagger = 1; Paths paths = 8; Definitions definitions = 9; }
  message Definitions { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; Schema value = 2; }
  message Schema { string ref = 1; string description = 4; repeated string required = 19; Additional additional_properties = 21;
    Texts type = 22; Items items = 23; Definitions properties = 25; repeated NamedAny vendor_extension = 31; }
  message Additional { Schema schema = 1; bool boolean = 2; }
  message Texts { repeated string value = 1; }
  message Items { repeated Schema schema = 1; }
  message Paths { repeated NamedPath path = 2; }
  message NamedPath { string name = 1; Path value = 2; }
  message Path { Operation patch = 8; }
  message Operation { repeated ParametersItem parameters = 8; repeated NamedAny vendor_extension = 13; }
  message ParametersItem { Parameter parameter = 1; }
  message Parameter { NonBody non_body_parameter = 2; }
  message NonBody { Query query_parameter_sub_schema = 3; }
  message Query { string in = 2; string name = 4; string type = 6; bool unique_items = 20; }
`)

test('the protobuf form says what the JSON form says, where gnostic expects it', () => {
  const gvk = [{ group: '', kind: 'A', version: 'v1' }]
  const written = openApiV2Protobuf({
    swagger: '2.0',
    definitions: {
      A: {
        description: 'An A.',
        type: 'object',
        required: ['list'],
        properties: {
          list: { type: 'array', items: { $ref: '#/definitions/B' } },
          map: { type: 'object', additionalProperties: { type: 'string' } },
        },
        'x-kubernetes-group-version-kind': gvk,
      },
    },
    paths: {
      '/a': {
        patch: {
          parameters: [{ name: 'dryRun', in: 'query', type: 'string', uniqueItems: true }],
          'x-kubernetes-action': 'patch',
        },
      },
    },
  })
  const type = root.lookupType('Document')
  expect(type.toObject(type.decode(written))).toEqual({
    swagger: '2.0',
    definitions: {
      additionalProperties: [
        {
          name: 'A',
          value: {
            description: 'An A.',
            type: { value: ['object'] },
            required: ['list'],
            properties: {
              additionalProperties: [
                {
                  name: 'list',
                  value: { type: { value: ['array'] }, items: { schema: [{ ref: '#/definitions/B' }] } },
                },
                {
                  name: 'map',
                  value: {
                    type: { value: ['object'] },
                    additionalProperties: { schema: { type: { value: ['string'] } } },
                  },
                },
              ],
            },
            vendorExtension: [{ name: 'x-kubernetes-group-version-kind', value: { yaml: JSON.stringify(gvk) } }],
          },
        },
      ],
    },
    paths: {
      path: [
        {
          name: '/a',
          value: {
            patch: {
              parameters: [
                {
                  parameter: {
                    nonBodyParameter: {
                      queryParameterSubSchema: { in: 'query', name: 'dryRun', type: 'string', uniqueItems: true },
                    },
                  },
                },
              ],
              vendorExtension: [{ name: 'x-kubernetes-action', value: { yaml: '"patch"' } }],
            },
          },
        },
      ],
    },
  })
})
