extension FileFormat {
    /// Scripts, pages and whatever else is text; nil for bytes that no text contains.
    static func text(_ prefix: [UInt8]) -> ExecutableRefusal? {
        if prefix.starts(with: "#!".utf8) { return script(prefix) }
        if prefix.starts(with: "version https://git-lfs.github.com/".utf8) {
            return ExecutableRefusal(
                .gitLFSPointer,
                "this is a Git LFS pointer, not the file that it stands for",
                advice: "fetch the file first: git lfs pull"
            )
        }
        if isMultipartForm(prefix) {
            return ExecutableRefusal(
                .multipartForm,
                "this is a web form around a file, as curl -F sends it",
                advice: "send the file alone: curl -T FILE"
            )
        }
        let trimmed = prefix.drop { isSpace($0) || [0xEF, 0xBB, 0xBF].contains($0) }
        let beginning = String(decoding: trimmed.prefix(16), as: UTF8.self).lowercased()
        if ["<!doctype html", "<html", "<head", "<body"].contains(where: beginning.hasPrefix) {
            return ExecutableRefusal(
                .html,
                "this is an HTML page, perhaps the answer to a failed download",
                advice: "check the file; \(Advice.buildForLinux)"
            )
        }
        guard prefix.allSatisfy(isText) else { return nil }
        return ExecutableRefusal(.text, "this is a text file", advice: Advice.buildForLinux)
    }

    private static func script(_ prefix: [UInt8]) -> ExecutableRefusal {
        let line = prefix.dropFirst(2).prefix { $0 != 0x0A && $0 != 0x0D }.drop(while: isSpace)
        let interpreter = String(decoding: line, as: UTF8.self).quotable
        return ExecutableRefusal(
            .script,
            "this is a script for \(interpreter), which an empty image lacks",
            advice: "push an image that has it, or send a static Linux executable"
        )
    }

    /// A line of at least two dashes and a boundary, then the part's first header field.
    private static func isMultipartForm(_ prefix: [UInt8]) -> Bool {
        guard prefix.starts(with: "--".utf8), let end = prefix.firstIndex(of: 0x0A) else { return false }
        let field = String(decoding: prefix[(end + 1)...].prefix(20), as: UTF8.self)
        return field.lowercased() == "content-disposition:"
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Printable characters, spaces and whatever may be part of UTF-8.
    private static func isText(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) || (0x09...0x0D).contains(byte) || byte == 0x1B
            || (0x80...0xF4).contains(byte)
    }
}
