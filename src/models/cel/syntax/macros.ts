import { accumulator, call, type Expr, type ExprForm, ident, listOf, literal, node, optTarget } from './ast.ts'
import { Fault } from './source.ts'

type Expand = (at: number, target: Expr, args: Expr[]) => Expr

/** The name that a loop gives to what it looks at. */
function loopName(arg: Expr): string {
  if (arg.kind !== 'ident' || arg.name.startsWith('.')) throw new Fault(arg.at, 'argument must be a simple name')
  if (arg.name === accumulator || arg.name === '__result__')
    throw new Fault(arg.at, 'iteration variable overwrites accumulator variable')
  return arg.name
}

interface Loop {
  accuInit: Expr
  condition?: Expr
  step: Expr
  result?: Expr
}

function loop(at: number, range: Expr, names: Expr[], { accuInit, condition, step, result }: Loop): Expr {
  const [iterVar, iterVar2] = names.map(loopName)
  if (iterVar === iterVar2) throw new Fault(names[1]!.at, `duplicate variable name: ${iterVar}`)
  return node(at, {
    kind: 'comprehension',
    range,
    iterVar: iterVar!,
    ...(iterVar2 === undefined ? {} : { iterVar2 }),
    accuVar: accumulator,
    accuInit,
    condition: condition ?? literal(at, true),
    step,
    result: result ?? ident(at, accumulator),
  })
}

const so = (at: number) => ident(at, accumulator)

const all: Expand = (at, range, args) =>
  loop(at, range, args.slice(0, -1), {
    accuInit: literal(at, true),
    condition: call(at, '@not_strictly_false', [so(at)]),
    step: call(at, '_&&_', [so(at), args.at(-1)!]),
  })

const exists: Expand = (at, range, args) =>
  loop(at, range, args.slice(0, -1), {
    accuInit: literal(at, false),
    condition: call(at, '@not_strictly_false', [call(at, '!_', [so(at)])]),
    step: call(at, '_||_', [so(at), args.at(-1)!]),
  })

const existsOne: Expand = (at, range, args) =>
  loop(at, range, args.slice(0, -1), {
    accuInit: literal(at, 0n),
    step: call(at, '_?_:_', [args.at(-1)!, call(at, '_+_', [so(at), literal(at, 1n)]), so(at)]),
    result: call(at, '_==_', [so(at), literal(at, 1n)]),
  })

/** What is gathered of each element: all of them, or those for which `filter` holds. */
function gather(at: number, range: Expr, names: Expr[], item: Expr, filter: Expr | undefined): Expr {
  const step = call(at, '_+_', [so(at), listOf(at, [item])])
  return loop(at, range, names, {
    accuInit: listOf(at, []),
    step: filter ? call(at, '_?_:_', [filter, step, so(at)]) : step,
  })
}

const map: Expand = (at, range, [name, ...rest]) =>
  gather(at, range, [name!], rest.at(-1)!, rest.length > 1 ? rest[0] : undefined)

const filter: Expand = (at, range, [name, predicate]) => gather(at, range, [name!], name!, predicate)

const transformList: Expand = (at, range, [key, value, ...rest]) =>
  gather(at, range, [key!, value!], rest.at(-1)!, rest.length > 1 ? rest[0] : undefined)

const transformMap =
  (insert: (at: number, key: Expr, item: Expr) => Expr): Expand =>
  (at, range, [key, value, ...rest]) => {
    const step = insert(at, key!, rest.at(-1)!)
    return loop(at, range, [key!, value!], {
      accuInit: node(at, { kind: 'map', entries: [] }),
      step: rest.length > 1 ? call(at, '_?_:_', [rest[0]!, step, so(at)]) : step,
    })
  }

const insertKey = (at: number, key: Expr, item: Expr) => call(at, 'cel.@mapInsert', [so(at), key, item])
const insertEntries = (at: number, _key: Expr, item: Expr) => call(at, 'cel.@mapInsert', [so(at), item])

/** `cel.bind(name, value, result)`: a loop over nothing, whose gathered value is the bound one. */
const bind: Expand = (at, _target, [name, init, result]) => {
  if (name!.kind !== 'ident') throw new Fault(name!.at, 'cel.bind() variable names must be simple identifiers')
  return node(at, {
    kind: 'comprehension',
    range: listOf(at, []),
    iterVar: '#unused',
    accuVar: name!.name,
    accuInit: init!,
    condition: literal(at, false),
    step: ident(at, name!.name),
    result: result!,
  })
}

/** `target.hasValue() ? wrap(f(target.value())) : optional.none()`, the target evaluated once. */
const optMapper =
  (wrap: boolean): Expand =>
  (at, target, [name, body]) => {
    const variable = loopName(name!)
    const method = (on: Expr, method: string): Expr => node(at, { kind: 'call', name: method, target: on, args: [] })
    const inner = bind(at, target, [ident(at, variable), method(ident(at, optTarget), 'value'), body!])
    const some = wrap ? call(at, 'optional.of', [inner]) : inner
    const choice = call(at, '_?_:_', [method(ident(at, optTarget), 'hasValue'), some, call(at, 'optional.none', [])])
    return bind(at, target, [ident(at, optTarget), target, choice])
  }

/** By name and count of arguments. */
const receivers: Record<string, Expand> = {
  'all/2': all,
  'all/3': all,
  'exists/2': exists,
  'exists/3': exists,
  'exists_one/2': existsOne,
  'exists_one/3': existsOne,
  'existsOne/2': existsOne,
  'existsOne/3': existsOne,
  'map/2': map,
  'map/3': map,
  'filter/2': filter,
  'transformList/3': transformList,
  'transformList/4': transformList,
  'transformMap/3': transformMap(insertKey),
  'transformMap/4': transformMap(insertKey),
  'transformMapEntry/3': transformMap(insertEntries),
  'transformMapEntry/4': transformMap(insertEntries),
  'optMap/2': optMapper(true),
  'optFlatMap/2': optMapper(false),
}

function has(at: number, [arg]: Expr[]): Expr {
  if (arg?.kind !== 'select' || arg.test) throw new Fault(arg?.at ?? at, 'invalid argument to has() macro')
  return node(at, { ...(arg as Extract<ExprForm, { kind: 'select' }>), test: true })
}

/** Whether an expression is new; `binding`: it is, and may use `cel.bind` all the same. */
export type Fresh = boolean | 'binding'

/** Those with two variables, and `cel.bind`: Kubernetes 1.32 reads what later ones have stored with them, and takes nothing new. */
const later = new Set(
  Object.keys(receivers)
    .filter(key => /^(?:all|exists|exists_one|existsOne)\/3$|^existsOne|^transform/.test(key))
    .concat('bind/3'),
)

/**
 * @param fresh the expression is new: macros of later versions are none
 * @returns undefined if the call is no macro
 */
export function expandMacro(
  at: number,
  name: string,
  target: Expr | undefined,
  args: Expr[],
  fresh: Fresh,
): Expr | undefined {
  if (fresh && later.has(`${name}/${args.length}`) && !(fresh === 'binding' && name === 'bind')) return undefined
  if (!target) return name === 'has' && args.length === 1 ? has(at, args) : undefined
  if (name === 'bind' && args.length === 3 && target.kind === 'ident' && target.name === 'cel')
    return bind(at, target, args)
  if ((name === 'greatest' || name === 'least') && args.length > 2 && target.kind === 'ident' && target.name === 'math')
    return call(at, `math.${name}`, [listOf(at, args)])
  const key = `${name}/${args.length}`
  return Object.hasOwn(receivers, key) ? receivers[key]!(at, target, args) : undefined
}
