import Yams

/// The YAML parser, with the bounds and the errors of configuration.
struct ConfigurationYAML {
    /// How many signs of an alias a file may have, more than it has by mistake.
    ///
    /// Aliases are refused anyway, but only once the parser is through, and the parser compares mapping keys,
    /// which takes time exponential in the number of aliases that they are made of.
    private static let aliasLimit = 8

    private let path: String
    private let text: String
    private let parser: Parser

    /// - Throws: A problem if the text is not UTF-8, or the parser refuses its beginning.
    init(_ file: ConfigurationFile) throws(ConfigurationProblem) {
        self.path = file.path
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let bytes = file.bytes.starts(with: byteOrderMark) ? file.bytes.dropFirst(3) : file.bytes[...]
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationProblem(.file(path, line: Self.lineOfInvalidByte(in: bytes)), .notUTF8)
        }
        self.text = text
        try Self.checkAliases(of: text, path: path)
        do {
            // Without rules of its own for numbers and booleans, the parser leaves every scalar a text: the
            // schema decides.
            self.parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        } catch {
            throw Self.problem(error, path: path, text: text)
        }
    }

    /// The one document; nil if the file has nothing but comments.
    func root() throws(ConfigurationProblem) -> Node? {
        do {
            return try parser.singleRoot()
        } catch {
            throw Self.problem(error, path: path, text: text)
        }
    }

    private static func lineOfInvalidByte(in bytes: ArraySlice<UInt8>) -> Int? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 }
    }

    /// Counts what may be aliases in lines that are not comments: at least the real ones, and perhaps some in
    /// texts.
    private static func checkAliases(of text: String, path: String) throws(ConfigurationProblem) {
        var count = 0
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !isComment(line) {
            count += line.utf8.count { $0 == UInt8(ascii: "*") }
            guard count <= aliasLimit else {
                throw ConfigurationProblem(.file(path, line: index + 1), .anchor)
            }
        }
    }

    private static func isComment(_ line: Substring) -> Bool {
        line.first { $0 != " " && $0 != "\t" } == "#"
    }
}

extension ConfigurationYAML {
    /// The parser's error as a problem at its place in the file.
    private static func problem(_ error: any Error, path: String, text: String) -> ConfigurationProblem {
        guard let error = error as? YamlError else {
            return ConfigurationProblem(.file(path), .syntax("\(error)"))
        }
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let origin = SettingOrigin.file(path, line: mark.line, column: mark.column)
            let reason = reason(problem, context: context?.text, mark: mark, text: text)
            return ConfigurationProblem(origin, reason)
        case .reader(let problem, let offset, _, _):
            let line = offset.map { offset in text.prefix(offset).count(where: \.isNewline) + 1 }
            return ConfigurationProblem(.file(path, line: line), .syntax(problem))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let origin = SettingOrigin.file(path, line: context.mark.line, column: context.mark.column)
            return ConfigurationProblem(origin, key: duplicates.first, .duplicateKey)
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return ConfigurationProblem(.file(path), .syntax("\(error)"))
        }
    }

    private static func reason(
        _ problem: String,
        context: String?,
        mark: Mark,
        text: String
    ) -> ConfigurationProblem.Reason {
        if problem.contains("another document") { return .severalDocuments }
        if problem.contains("undefined alias") { return .anchor }
        if problem.contains("nesting level") { return .syntax("it is nested too deeply") }
        if problem.contains("tab character") || character(at: mark, in: text) == "\t" { return .tab }
        return .syntax(context.map { "\(problem) \($0)" } ?? problem)
    }

    private static func character(at mark: Mark, in text: String) -> Unicode.Scalar? {
        let lines = text.split(
            maxSplits: mark.line,
            omittingEmptySubsequences: false,
            whereSeparator: \.isNewline
        )
        guard lines.indices.contains(mark.line - 1) else { return nil }
        return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first
    }
}
