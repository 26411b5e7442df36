import ts from 'typescript'

/** One import of a file. */
export interface Import {
  /** The specifier as written: `../workspace/id.ts`, `node:crypto`, `zod`. */
  readonly specifier: string
  /** True if compilation removes the import. `import { type A }` stays: it still loads the module. */
  readonly typeOnly: boolean
  readonly line: number
}

/** Every import of a source text in order, including re-exports, dynamic imports and imports in types. */
export function readImports(file: string, text: string): Import[] {
  const source = parse(file, text)
  return [...descendants(source)].flatMap((node) => {
    const found = specifierOf(node)
    return found === undefined
      ? []
      : [{ ...found, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 }]
  })
}

/** Tells whether a source text reads the environment of the process. */
export function readsEnvironment(file: string, text: string): boolean {
  return [...descendants(parse(file, text))].some((node) => {
    if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env'
    if (ts.isElementAccessExpression(node))
      return isProcess(node.expression) && isTextNode(node.argumentExpression, 'env')
    if (ts.isVariableDeclaration(node)) return isProcess(node.initializer) && destructures(node.name, 'env')
    return (
      ts.isImportSpecifier(node) &&
      (node.propertyName ?? node.name).text === 'env' &&
      isTextNode(node.parent.parent.parent.moduleSpecifier, 'node:process')
    )
  })
}

/** The names that a source text declares and exports, in order. Names re-exported from another file are not included. */
export function readExports(file: string, text: string): string[] {
  const { statements } = parse(file, text)
  const imported = statements.flatMap((statement) => {
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined
    return bindings && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : []
  })
  return statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause: clause, moduleSpecifier } = statement
      const isLocal = moduleSpecifier === undefined && clause !== undefined && ts.isNamedExports(clause)
      if (!isLocal) return []
      return clause.elements
        .filter(({ name, propertyName }) => !imported.includes((propertyName ?? name).text))
        .map(({ name }) => name.text)
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    if (!isExported) return []
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name))
    const isNamed =
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isEnumDeclaration(statement)
    return isNamed && statement.name !== undefined ? [statement.name.text] : []
  })
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []))
}

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

function* descendants(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => void children.push(child))
  for (const child of children) yield* descendants(child)
}

function specifierOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node))
    return importOf(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
  if (ts.isExportDeclaration(node)) return importOf(node.moduleSpecifier, node.isTypeOnly)
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? importOf(node.argument.literal, true) : undefined
  const isDynamicImport =
    ts.isCallExpression(node) &&
    (node.expression.kind === ts.SyntaxKind.ImportKeyword || isTextNode(node.expression, 'require'))
  return isDynamicImport ? importOf(node.arguments[0], false) : undefined
}

function importOf(specifier: ts.Node | undefined, typeOnly: boolean) {
  return specifier !== undefined && ts.isStringLiteralLike(specifier)
    ? { specifier: specifier.text, typeOnly }
    : undefined
}

function isProcess(node: ts.Node | undefined): boolean {
  return node !== undefined && ts.isIdentifier(node) && node.text === 'process'
}

function isTextNode(node: ts.Node, text: string): boolean {
  return (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) && node.text === text
}

function destructures(name: ts.BindingName, property: string): boolean {
  return (
    ts.isObjectBindingPattern(name) &&
    name.elements.some((element) => isTextNode(element.propertyName ?? element.name, property))
  )
}
