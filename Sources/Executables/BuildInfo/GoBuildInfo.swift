/// What the Go linker wrote into a program about how it was built; `go version -m` prints the same.
package struct GoBuildInfo: Hashable, Sendable {
    /// The tool chain, such as `go1.27.3`.
    package let version: String
    /// The import path of the main package.
    package let path: String?
    /// The module that the main package is in.
    package let mainModule: GoModule?
    /// The other modules in the program, ordered by their paths.
    package let dependencies: [GoModule]
    /// What was set for the build, such as `GOARCH`, `-tags` or `vcs.revision`.
    package let settings: [String: String]
}

/// A module, at a version.
package struct GoModule: Hashable, Sendable {
    /// A module's name and version.
    package struct Version: Hashable, Sendable {
        package let path: String
        /// `(devel)` where Go did not know it, as of a folder in place of a module, where older releases have nothing.
        package let version: String
        /// The checksum as in `go.sum`; empty where Go knew none.
        package let checksum: String
    }

    /// What is required, by its own name.
    package let required: Version
    /// What was built in its place, by a `replace` directive.
    package var replacement: Version?

    /// The code that the program has.
    package var built: Version { replacement ?? required }
}

/// How much of a block of build information is taken, which anybody may have written.
enum GoBuildInfoLimit {
    /// The linker puts the block first among the data; only what needs relocating stands before it, where a C linker
    /// was in between.
    static let searchSize: UInt64 = 1_048_576
    /// Versions of development have a commit and a date, and stay below a hundred bytes.
    static let versionSize: UInt64 = 256
    /// Programs of a thousand modules have a tenth of it.
    static let moduleTextSize: UInt64 = 1_048_576
    /// Ten times as many as the largest programs have.
    static let moduleCount = 16_384
    /// Go writes about twenty.
    static let settingCount = 256
}

extension GoBuildInfo {
    /// Sixteen bytes each before and behind the module text, by which others find it in memory.
    private static let sentinelSize = 16

    /// Parses the two texts of a block; nil unless the first names a version.
    ///
    /// Lines of the second that are not understood are passed over, as later releases of Go may write others.
    init?(version: [UInt8], moduleText: [UInt8]) {
        guard let version = String(validating: version, as: UTF8.self), !version.isEmpty else { return nil }
        var text = moduleText[...]
        // Go tells a text with sentinels from one without by the end of its last line.
        if text.count >= 2 * Self.sentinelSize + 1,
            text[text.endIndex - Self.sentinelSize - 1] == UInt8(ascii: "\n")
        {
            text = text.dropFirst(Self.sentinelSize).dropLast(Self.sentinelSize)
        } else {
            text = []
        }
        var content = Content()
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let line = String(validating: line, as: UTF8.self) else { continue }
            content.take(line)
        }
        self.version = version
        path = content.path
        mainModule = content.mainModule
        dependencies = content.dependencies
        settings = content.settings
    }

    /// What the lines so far have said.
    private struct Content {
        var path: String?
        var mainModule: GoModule?
        var dependencies: [GoModule] = []
        var settings: [String: String] = [:]
        /// Whether the last module line was one that a replacement can follow.
        private var last = Last.none

        private enum Last {
            case none
            case mainModule
            case dependency
        }

        mutating func take(_ line: String) {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            switch columns[0] {
            case "path" where columns.count == 2: path = String(columns[1])
            case "mod":
                mainModule = GoModule.Version(columns).map { GoModule(required: $0) }
                last = mainModule == nil ? .none : .mainModule
            case "dep":
                guard let version = GoModule.Version(columns),
                    dependencies.count < GoBuildInfoLimit.moduleCount
                else {
                    last = .none
                    return
                }
                dependencies.append(GoModule(required: version))
                last = .dependency
            case "=>":
                let replacement = GoModule.Version(columns)
                switch last {
                case .none: break
                case .mainModule: mainModule?.replacement = replacement
                case .dependency: dependencies[dependencies.count - 1].replacement = replacement
                }
                last = .none
            case "build" where columns.count > 1 && settings.count < GoBuildInfoLimit.settingCount:
                // A value may contain tabs, between quotation marks.
                guard let setting = GoSetting(line.dropFirst("build\t".count)) else { return }
                if settings[setting.key] == nil { settings[setting.key] = setting.value }
            default: break
            }
        }
    }
}

extension GoModule.Version {
    /// Reads the columns behind the line's word: path, version and perhaps a checksum.
    fileprivate init?(_ columns: [Substring]) {
        guard (3...4).contains(columns.count), !columns[1].isEmpty else { return nil }
        self.init(
            path: String(columns[1]),
            version: String(columns[2]),
            checksum: columns.count == 4 ? String(columns[3]) : ""
        )
    }
}
