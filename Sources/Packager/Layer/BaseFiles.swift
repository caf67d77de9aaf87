import Archive
import OCI

/// The files that come along with a program, prepared for all images when the first needs them.
///
/// An otherwise empty image has no accounts, nowhere to write, no name service order and nobody to trust;
/// programs that never notice on a full system fail there.
struct BaseFiles: Sendable {
    /// Which of the files an image gets.
    struct Selection: OptionSet, Hashable, Sendable {
        let rawValue: UInt8
        /// Accounts, name service order, `/tmp` and a home.
        static let accounts = Selection(rawValue: 1)
        /// Root certificates.
        static let certificates = Selection(rawValue: 2)
        /// The time zones of the world.
        static let timeZones = Selection(rawValue: 4)

        /// Those that beginnings of layers are prepared for.
        static let prepared: [Selection] = [[], .accounts, .certificates, [.accounts, .certificates]]
    }

    /// Where programs of every language look for root certificates first, or find them by `SSL_CERT_FILE`.
    static let certificatesPath = "etc/ssl/certs/ca-certificates.crt"

    let certificates: CertificateBundle?
    private let lazyTimeZones: Lazy<TimeZones?>
    /// The files archived and compressed, for every selection there is but for time zones, which few ask for.
    private let beginnings: [Selection: Lazy<LayerBeginning>]

    init(certificates: CertificateBundle?, timeZones: Lazy<TimeZones?>) {
        self.certificates = certificates
        lazyTimeZones = timeZones
        let possible = Selection.prepared.filter { certificates != nil || !$0.contains(.certificates) }
        let beginnings = possible.map { selection in
            (selection, Lazy { LayerBeginning(Self.files(selection, certificates: certificates)) })
        }
        self.beginnings = Dictionary(uniqueKeysWithValues: beginnings)
    }

    var timeZones: TimeZones? { lazyTimeZones.value }

    /// Prepares what images have unless they are asked not to.
    func prepare() { _ = beginning([.accounts, .certificates]) }

    /// What a layer with the selected files begins with; certificates that there are none of are left out.
    func beginning(_ selection: Selection) -> LayerBeginning {
        let prepared = selection.subtracting(.timeZones)
        let possible = certificates == nil ? prepared.subtracting(.certificates) : prepared
        guard let beginning = beginnings[possible] else {
            preconditionFailure("a selection was not prepared")
        }
        return beginning.value
    }

    /// The files of a selection, every folder before what is in it; time zones stand behind the beginning.
    func files(_ selection: Selection) -> [BaseFile] {
        Self.files(selection, certificates: certificates)
            + (selection.contains(.timeZones) ? timeZones?.files ?? [] : [])
    }

    private static func files(_ selection: Selection, certificates: CertificateBundle?) -> [BaseFile] {
        var files: [BaseFile] = []
        if selection.contains(.accounts) || selection.contains(.certificates) {
            files.append(.directory("etc"))
        }
        if selection.contains(.accounts) {
            files += [
                .file("etc/passwd", passwd),
                .file("etc/group", group),
                .file("etc/nsswitch.conf", "hosts: files dns\n"),
                .directory("tmp", mode: 0o1777),
                .directory("home"),
                // The only entry that is not root's: a home that its user cannot write to is none.
                .directory("home/nonroot", mode: 0o700, owner: ImageUser.nonroot.user),
            ]
        }
        if selection.contains(.certificates), let certificates {
            files += [
                .directory("etc/ssl"), .directory("etc/ssl/certs"),
                .file(certificatesPath, certificates.bytes),
            ]
        }
        return files
    }

    private static var passwd: String {
        let homes = ["root": "/root", "nonroot": "/home/nonroot"]
        return ImageUser.accounts.map { name, number in
            "\(name):x:\(number):\(number):\(name):\(homes[name] ?? "/nonexistent"):/sbin/nologin\n"
        }.joined()
    }

    private static var group: String {
        ImageUser.accounts.map { name, number in "\(name):x:\(number):\n" }.joined()
    }
}

/// The beginning of a layer, with the states of everything that goes over the rest of it.
struct LayerBeginning: Sendable {
    /// The archive's first bytes.
    let archive: [UInt8]
    let gzip: GzipPrefix
    /// What has gone over the archive.
    let archiveDigester: Digester
    /// What has gone over the compressed bytes.
    let compressedDigester: Digester
    let archiveSize: UInt64

    /// Archives, compresses and hashes files; without any, the beginning is that of the gzip format alone.
    init(_ files: [BaseFile] = []) {
        archive = files.flatMap(\.archived)
        gzip = GzipPrefix(contents: archive)
        var archiveDigester = Digester()
        archiveDigester.update(archive)
        self.archiveDigester = archiveDigester
        var compressedDigester = Digester()
        compressedDigester.update(gzip.bytes)
        self.compressedDigester = compressedDigester
        archiveSize = UInt64(archive.count)
    }
}
