/** A literal's value; integers keep their kind by being bigint or `{ uint }`. */
export type Literal = null | boolean | bigint | number | string | Uint8Array | { uint: bigint }

export interface Entry {
  key: Expr
  value: Expr
  /** Left out when the value is `optional.none()`. */
  optional: boolean
  at: number
}

export interface StructField {
  name: string
  value: Expr
  optional: boolean
  at: number
}

/** What every loop is made of. `iterVar2` holds the value where `iterVar` is an index or a key. */
export interface Comprehension {
  kind: 'comprehension'
  range: Expr
  iterVar: string
  iterVar2?: string
  accuVar: string
  accuInit: Expr
  condition: Expr
  step: Expr
  result: Expr
}

export type ExprForm =
  | { kind: 'literal'; value: Literal }
  | { kind: 'ident'; name: string }
  /** `test`: has(operand.field) instead of operand.field. `optional`: operand.?field. */
  | { kind: 'select'; operand: Expr; field: string; test: boolean; optional: boolean }
  | { kind: 'call'; name: string; target?: Expr; args: Expr[] }
  | { kind: 'list'; items: Expr[]; optional: ReadonlySet<number> }
  | { kind: 'map'; entries: Entry[] }
  | { kind: 'struct'; name: string; fields: StructField[] }
  | Comprehension

/** A node: its form, its place in the text, and how deep the tree below it is. */
export type Expr = ExprForm & { at: number; depth: number }

/** The variable in which loops gather their result; no source text can write it. */
export const accumulator = '@result'

/** What `optMap` is called on: bound once, but counted each time, as if it stood there. */
export const optTarget = '@target'

/** The deepest tree that is taken: everything that walks trees does so recursively. */
export const maxDepth = 500

const depthOf = (children: Expr[]): number => children.reduce((most, child) => Math.max(most, child.depth), 0)

export function childrenOf(expr: ExprForm): Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return []
    case 'select':
      return [expr.operand]
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args
    case 'list':
      return expr.items
    case 'map':
      return expr.entries.flatMap(entry => [entry.key, entry.value])
    case 'struct':
      return expr.fields.map(field => field.value)
    case 'comprehension':
      return [expr.range, expr.accuInit, expr.condition, expr.step, expr.result]
  }
}

export function node(at: number, form: ExprForm): Expr {
  return { ...form, at, depth: depthOf(childrenOf(form)) + 1 }
}

export const literal = (at: number, value: Literal): Expr => node(at, { kind: 'literal', value })
export const ident = (at: number, name: string): Expr => node(at, { kind: 'ident', name })
export const call = (at: number, name: string, args: Expr[]): Expr => node(at, { kind: 'call', name, args })
export const listOf = (at: number, items: Expr[]): Expr => node(at, { kind: 'list', items, optional: new Set() })
