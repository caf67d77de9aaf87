import Executables

/// What a program is and where it comes from, as far as its own build information tells.
///
/// Anybody can write anything there. What gets here is short, printable, and in the form that it is to have.
package struct ProgramOrigin: Codable, Hashable, Sendable {
    /// The program's own version, such as `v1.2.3`.
    package private(set) var version: String?
    /// The commit that it was built from.
    package private(set) var revision: String?
    /// When that commit was made, such as `2026-11-23T09:31:24Z`.
    package private(set) var created: String?
    /// The address of the repository that its code is in.
    package private(set) var source: String?
    /// Whether it was built from that commit with changes.
    package private(set) var isModified = false
    /// Go's tool chain, such as `go1.27.3`.
    package private(set) var goVersion: String?
    /// How many modules are in a Go program beside its own.
    package private(set) var goModuleCount: Int?
    /// The x86-64 level that a Go program needs, `v1` to `v4`.
    package private(set) var goAMD64: String?
    /// What programs have in common that are one for several platforms: main package, version and commit.
    ///
    /// nil where one of them is not known, or where changes that nobody knows were built in.
    package private(set) var buildKey: String?

    /// Nothing known.
    package init() {}

    init(_ info: BuildInfo) {
        if let go = info.go { take(go) }
        if version == nil, let rust = info.rustDependencies.flatMap(RustDependencies.init(compressed:)) {
            version = rust.root.flatMap { Self.word($0.version) }
        }
        if version == nil, let note = info.packageNote.flatMap(PackageNote.init(json:)) {
            version = note.version.flatMap(Self.word)
        }
    }

    private mutating func take(_ go: GoBuildInfo) {
        goVersion = Self.text(go.version)
        goModuleCount = go.dependencies.count
        goAMD64 = go.settings["GOAMD64"].flatMap(Self.word)
        revision = go.settings["vcs.revision"].flatMap(Self.word)
        created = go.settings["vcs.time"].flatMap { CalendarTime.isWellFormed($0) ? $0 : nil }
        isModified = go.settings["vcs.modified"] == "true"
        guard let module = go.mainModule else { return }
        let main = module.required
        // Go writes (devel) for a version that it does not know, and +dirty behind one that nobody else can get.
        if !main.version.hasPrefix("("), !main.version.hasSuffix("+dirty") {
            version = Self.word(main.version)
        }
        source = SourceForge.url(ofModule: main.path)
        if let path = go.path.flatMap(Self.word), let revision, !isModified {
            buildKey = "\(path)@\(Self.word(main.version) ?? "")#\(revision)"
        }
    }

    /// The longest text of this kind that is passed on; the longest honest ones have a third of it.
    private static let maximumSize = 256

    /// A text for people; nil for one that is empty, too long, or not printable ASCII.
    private static func text(_ text: String) -> String? {
        let isPrintable = text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        return isPrintable && (1...maximumSize).contains(text.utf8.count) ? text : nil
    }

    /// The same without spaces.
    static func word(_ text: String) -> String? {
        text.utf8.contains(UInt8(ascii: " ")) ? nil : Self.text(text)
    }
}

/// Sites whose addresses can be told from the path of a Go module.
enum SourceForge {
    /// How many parts of a path name a repository; nil where there may be any number of groups.
    private static let hosts: [String: Int?] = [
        "bitbucket.org": 2, "codeberg.org": 2, "gitea.com": 2, "git.sr.ht": 2, "github.com": 2,
        "gitlab.com": nil,
    ]

    /// The address of the repository that a module is in; nil for a path that does not tell.
    static func url(ofModule path: String) -> String? {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard let depth = hosts[String(parts.removeFirst())] else { return nil }
        // A major version above 1 ends the path, without being a folder.
        if let last = parts.last, last.first == "v", last.dropFirst().allSatisfy(\.isWholeNumber) {
            parts.removeLast()
        }
        let repository = depth.map { parts.prefix($0) } ?? parts[...]
        guard repository.count >= 2, repository.allSatisfy(isName), path.utf8.count <= 255 else { return nil }
        return "https://" + path.prefix { $0 != "/" } + "/" + repository.joined(separator: "/")
    }

    private static func isName(_ part: Substring) -> Bool {
        let isPlain = part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-~".utf8.contains(byte)
            }
        }
        return isPlain && !part.isEmpty && part != "." && part != ".."
    }
}
