import Archive
import OCI

/// The files that come along with a program, prepared once for all images.
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

        static let all: [Selection] = [[], .accounts, .certificates, [.accounts, .certificates]]
    }

    /// Where programs of every language look for root certificates first, or find them by `SSL_CERT_FILE`.
    static let certificatesPath = "etc/ssl/certs/ca-certificates.crt"

    let certificates: CertificateBundle?
    private let beginnings: [Selection: LayerBeginning]

    /// Archives and compresses the files, for every selection there is.
    init(certificates: CertificateBundle?) {
        self.certificates = certificates
        let possible = Selection.all.filter { certificates != nil || !$0.contains(.certificates) }
        let beginnings = possible.map { selection in
            (selection, LayerBeginning(archive: Self.archive(selection, certificates: certificates)))
        }
        self.beginnings = Dictionary(uniqueKeysWithValues: beginnings)
    }

    /// What a layer with the selected files begins with; certificates that there are none of are left out.
    func beginning(_ selection: Selection) -> LayerBeginning {
        let possible = certificates == nil ? selection.subtracting(.certificates) : selection
        guard let beginning = beginnings[possible] else {
            preconditionFailure("a selection was not prepared")
        }
        return beginning
    }

    private static func archive(_ selection: Selection, certificates: CertificateBundle?) -> [UInt8] {
        var archive: [UInt8] = []
        if selection.contains(.accounts) || selection.contains(.certificates) {
            archive += directory("etc", mode: 0o755)
        }
        if selection.contains(.accounts) {
            archive += file("etc/passwd", passwd)
            archive += file("etc/group", group)
            archive += file("etc/nsswitch.conf", "hosts: files dns\n")
            archive += directory("tmp", mode: 0o1777)
            archive += directory("home", mode: 0o755)
            // The only entry that is not root's: a home that its user cannot write to is none.
            archive += directory("home/nonroot", mode: 0o700, owner: ImageUser.nonroot.user)
        }
        if selection.contains(.certificates), let certificates {
            archive += directory("etc/ssl", mode: 0o755)
            archive += directory("etc/ssl/certs", mode: 0o755)
            archive += file(certificatesPath, certificates.bytes)
        }
        return archive
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

    private static func directory(_ path: String, mode: UInt16, owner: UInt32 = 0) -> [UInt8] {
        entry(.directory, path, mode: mode, owner: owner).header
    }

    private static func file(_ path: String, _ text: String) -> [UInt8] { file(path, Array(text.utf8)) }

    private static func file(_ path: String, _ contents: [UInt8]) -> [UInt8] {
        let size = UInt64(contents.count)
        let padding = [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
        return entry(.file(size: size), path, mode: 0o644).header + contents + padding
    }

    private static func entry(
        _ kind: TarEntry.Kind,
        _ path: String,
        mode: UInt16,
        owner: UInt32 = 0
    ) -> TarEntry {
        do {
            return try TarEntry(kind, path: path, mode: mode, owner: owner)
        } catch {
            preconditionFailure("a base file is no tar entry: \(error)")
        }
    }
}

/// The beginning of a layer, with the states of everything that goes over the rest of it.
struct LayerBeginning: Sendable {
    let gzip: GzipPrefix
    /// What has gone over the archive.
    let archiveDigester: Digester
    /// What has gone over the compressed bytes.
    let compressedDigester: Digester
    let archiveSize: UInt64

    /// Compresses and hashes the beginning of a tar archive.
    init(archive: [UInt8]) {
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
