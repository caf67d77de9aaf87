import Executables
import FoundationEssentials

/// What a program consists of, as far as its own build information tells.
///
/// Anybody can write anything there. What gets here is short and printable; the rest is counted.
struct SoftwareInventory: Hashable, Sendable {
    /// The program itself.
    private(set) var program: SoftwareComponent
    /// What is in it, each once, in the order of the build information.
    private(set) var components: [SoftwareComponent] = []
    /// How many entries did not have the form of a component, or were too many.
    private(set) var omissionCount = 0

    /// Ten times as many as the largest programs have.
    private static let maximumCount = 16_384

    private var seen: Set<SoftwareComponent> = []

    /// Nothing known, not even a name.
    init() { program = SoftwareComponent(name: "", version: nil, url: nil) }

    /// What a program's build information says; `name` is for one where it says none.
    init(of info: BuildInfo, name: String) {
        program = SoftwareComponent(name: name, version: nil, url: nil)
        var isNamed = false
        if let go = info.go {
            isNamed = add(go)
        }
        if let rust = info.rustDependencies.flatMap(RustDependencies.init(compressed:)) {
            isNamed = add(rust, isNamed: isNamed) || isNamed
        }
        if !isNamed, let note = info.packageNote.flatMap(PackageNote.init(json:)) {
            take(note)
        }
    }

    private mutating func add(_ component: SoftwareComponent?) {
        guard let component, components.count < Self.maximumCount else {
            omissionCount += 1
            return
        }
        if seen.insert(component).inserted { components.append(component) }
    }
}

// MARK: - Go

extension SoftwareInventory {
    /// Takes what a Go program tells, and says whether that names the program.
    private mutating func add(_ go: GoBuildInfo) -> Bool {
        let main = go.mainModule.flatMap { Self.component(of: $0) }
        if let main { program = main }
        let version = Self.goRelease(go.version)
        add(
            SoftwareComponent(
                name: "stdlib",
                version: version,
                url: .goStandardLibrary(version: version)
            )
        )
        for module in go.dependencies { add(Self.component(of: module)) }
        return main != nil
    }

    /// The release in a tool chain's name: `1.27.3` of `go1.27.3 X:loopvar`.
    private static func goRelease(_ text: String) -> String? {
        for word in text.split(separator: " ") where word.hasPrefix("go") {
            let release = word.dropFirst("go".count)
            if release.first?.isASCII == true, release.first?.isNumber == true {
                return ProgramOrigin.word(String(release))
            }
        }
        return nil
    }

    /// The code that is in the program; nil for what is no module.
    private static func component(of module: GoModule) -> SoftwareComponent? {
        guard let path = ProgramOrigin.word(module.required.path) else { return nil }
        guard let replacement = module.replacement else { return component(of: module.required) }
        if var component = isFolder(replacement.path) ? nil : component(of: replacement) {
            component.note = "in place of \(label(of: module.required, path))"
            return component
        }
        // Of what is in a folder of the machine that built the program nobody knows more than its name.
        return SoftwareComponent(
            name: path,
            version: nil,
            url: PackageURL(goModule: path, version: nil),
            note: "from a folder, in place of \(label(of: module.required, path))"
        )
    }

    private static func component(of module: GoModule.Version) -> SoftwareComponent? {
        guard let path = ProgramOrigin.word(module.path) else { return nil }
        let version = version(of: module)
        return SoftwareComponent(
            name: path,
            version: version,
            url: PackageURL(goModule: path, version: version),
            checksum: checksum(module.checksum)
        )
    }

    /// nil where Go does not know it, for which it writes `(devel)`.
    private static func version(of module: GoModule.Version) -> String? {
        module.version.hasPrefix("(") ? nil : ProgramOrigin.word(module.version)
    }

    private static func label(of module: GoModule.Version, _ path: String) -> String {
        path + (version(of: module).map { " \($0)" } ?? "")
    }

    /// Whether the right side of a `replace` directive names a folder: on either kind of system no module's path does.
    private static func isFolder(_ path: String) -> Bool {
        path.hasPrefix(".") || path.hasPrefix("/") || path.contains("\\") || path.contains(":")
    }

    /// The SHA-256 digest that a checksum of `go.sum` is: `h1:` and 32 bytes in base64.
    private static func checksum(_ text: String) -> String? {
        guard text.hasPrefix("h1:"), text.utf8.count == 47,
            let bytes = Data(base64Encoded: String(text.dropFirst(3))), bytes.count == 32
        else { return nil }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

// MARK: - Rust and distributions

extension SoftwareInventory {
    /// Takes the crates in a Rust program, and says whether one of them names it.
    private mutating func add(_ rust: RustDependencies, isNamed: Bool) -> Bool {
        var root: SoftwareComponent?
        // What helped to build the program is not in it.
        for crate in rust.crates where !crate.isForBuilding {
            if crate.isRoot, !isNamed, root == nil, let component = Self.component(of: crate) {
                root = component
            } else {
                add(Self.component(of: crate))
            }
        }
        if let root { program = root }
        return root != nil
    }

    private static func component(of crate: RustDependencies.Crate) -> SoftwareComponent? {
        guard let name = ProgramOrigin.word(crate.name), let version = ProgramOrigin.word(crate.version)
        else {
            return nil
        }
        // A crate from elsewhere may have the name of another one there.
        let isPublished = crate.source == "crates.io"
        return SoftwareComponent(
            name: name,
            version: version,
            url: isPublished ? PackageURL(crate: name, version: version) : nil,
            note: isPublished ? nil : ProgramOrigin.word(crate.source).map { "not from crates.io: \($0)" }
        )
    }

    private mutating func take(_ note: PackageNote) {
        guard let name = note.name.flatMap(ProgramOrigin.word) else { return }
        let version = note.version.flatMap(ProgramOrigin.word)
        var url: PackageURL?
        if let type = note.type, let distribution = note.os.flatMap(ProgramOrigin.word) {
            url = PackageURL(
                type: type,
                distribution: distribution,
                name: name,
                version: version,
                architecture: note.architecture.flatMap(ProgramOrigin.word)
            )
        }
        program = SoftwareComponent(name: name, version: version, url: url)
    }
}
