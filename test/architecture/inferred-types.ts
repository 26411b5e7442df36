import { join, relative, sep } from 'node:path'
import ts from 'typescript'
import { roomOf } from './source-files.ts'

/** A type with methods that reaches a file through one of its imports. */
export interface ArrivingPort {
  readonly file: string
  /** The imported name. */
  readonly imported: string
  readonly port: Port
}

interface Port {
  readonly type: string
  /** The room that declares the type. */
  readonly room: string
}

/** Members are followed to this depth. Calls, promises, arrays and unions do not count. */
const maxDepth = 2

/**
 * Every type with methods that `files` below `root` receive from another room, directly or by inference: as the return type or a member
 * of what they import. Plain data is not included.
 */
export function arrivingPorts(root: string, files: readonly string[], options: ts.CompilerOptions): ArrivingPort[] {
  const program = ts.createProgram(
    files.map((file) => join(root, file)),
    options,
  )
  const checker = program.getTypeChecker()
  const portsBySymbol = new Map<ts.Symbol, readonly Port[]>()

  const fileOf = (declaration: ts.Declaration) =>
    relative(root, declaration.getSourceFile().fileName).split(sep).join('/')

  function portsOf(symbol: ts.Symbol) {
    const known = portsBySymbol.get(symbol)
    if (known) return known
    const found = new Map<string, Port>()
    const seen = new Set<ts.Type>()
    const start =
      (symbol.flags & ts.SymbolFlags.Value) === 0
        ? checker.getDeclaredTypeOfSymbol(symbol)
        : checker.getTypeOfSymbol(symbol)
    visit(start, 0)
    const ports = [...found.values()]
    portsBySymbol.set(symbol, ports)
    return ports

    function visit(type: ts.Type, depth: number) {
      if (seen.has(type)) return
      seen.add(type)
      if (type.isUnionOrIntersection()) for (const part of type.types) visit(part, depth)
      if (isReference(type)) for (const argument of checker.getTypeArguments(type)) visit(argument, depth)
      for (const signature of type.getCallSignatures()) visit(signature.getReturnType(), depth)
      const symbol = type.getSymbol()
      const [declaration] = symbol?.getDeclarations() ?? []
      if (!symbol || !declaration || fileOf(declaration).startsWith('..')) return
      const members = type.getProperties().map((member) => checker.getTypeOfSymbol(member))
      if (members.some((member) => member.getCallSignatures().length > 0)) {
        const room = roomOf(fileOf(declaration))
        found.set(`${room} ${symbol.name}`, { type: symbol.name, room })
      }
      if (depth < maxDepth) for (const member of members) visit(member, depth + 1)
    }
  }

  return files.flatMap((file) => {
    const source = program.getSourceFile(join(root, file))
    return (source?.statements ?? []).flatMap((statement) => {
      if (!ts.isImportDeclaration(statement)) return []
      const bindings = statement.importClause?.namedBindings
      if (!bindings || !ts.isNamedImports(bindings)) return []
      return bindings.elements.flatMap(({ name }) => {
        const alias = checker.getSymbolAtLocation(name)
        if (!alias) return []
        const symbol = checker.getAliasedSymbol(alias)
        const [declaration] = symbol.getDeclarations() ?? []
        if (!declaration || fileOf(declaration).startsWith('..') || roomOf(fileOf(declaration)) === roomOf(file))
          return []
        return portsOf(symbol)
          .filter(({ room }) => room !== roomOf(file))
          .map((port) => ({ file, imported: name.text, port }))
      })
    })
  })
}

function isReference(type: ts.Type): type is ts.TypeReference {
  return 'target' in type && 'objectFlags' in type && (Number(type.objectFlags) & ts.ObjectFlags.Reference) !== 0
}
