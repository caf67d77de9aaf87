import Glibc
import Executables
import FoundationEssentials
package import OCI

/// Root certificates in PEM, as programs read them from one file to know whom to trust over TLS.
package struct CertificateBundle: Hashable, Sendable {
    /// The file as it was, which is how it goes into images.
    package let bytes: [UInt8]
    /// How many certificates it has.
    package let certificateCount: Int
    /// The file's digest, by which two images from different bundles are told apart.
    package let digest: Digest

    /// Several times the size of any system's bundle, which the layers' beginnings keep in memory.
    package static let maximumSize: UInt64 = 8_388_608

    /// Where systems keep their bundle: Debian, Fedora, openSUSE, RHEL, and Alpine.
    package static let hostPaths = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    /// Checks that a file holds certificates and, apart from text between them, nothing else: a private key
    /// that got into it must not get into images.
    package init(parsing bytes: [UInt8]) throws(CertificateBundleError) {
        guard bytes.count <= Self.maximumSize else { throw .tooLarge }
        certificateCount = try PEM.certificateCount(in: bytes)
        guard certificateCount > 0 else { throw .noCertificates }
        self.bytes = bytes
        digest = Digest(of: bytes)
    }

    /// Reads a bundle, blocking.
    package init(contentsOfFile path: String) throws(CertificateBundleError) {
        let bytes: [UInt8]
        do {
            bytes = try FileByteSource.withFile(at: path) { file in
                guard file.size <= Self.maximumSize else { throw CertificateBundleError.tooLarge }
                return try file.bytes(in: 0..<file.size)
            }
        } catch let error as CertificateBundleError {
            throw error
        } catch ByteSourceError.system(let errno) {
            throw .unreadable(errno: errno)
        } catch {
            throw .notARegularFile
        }
        try self.init(parsing: bytes)
    }

    /// Reads the host's own bundle, blocking; nil where there is none at any of the paths.
    ///
    /// - Throws: What is wrong with the first one that is there.
    package static func ofHost(
        searching paths: [String] = hostPaths
    ) throws(CertificateBundleError) -> CertificateBundle? {
        for path in paths {
            do {
                return try CertificateBundle(contentsOfFile: path)
            } catch {
                guard case .unreadable = error else { throw error }
            }
        }
        return nil
    }
}

/// Why a file is no bundle of certificates.
package enum CertificateBundleError: Error, Hashable, Sendable {
    case unreadable(errno: Int32)
    case notARegularFile
    case tooLarge
    case noCertificates
    /// A block of something else, such as a private key, and the line that it begins on.
    case foreignBlock(label: String, line: Int)
    /// A block that does not end before the next one or the end of the file.
    case unfinishedBlock(line: Int)
    /// A block whose contents are not the base64 of one DER structure.
    case malformedCertificate(line: Int)
}

extension CertificateBundleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let errno): "it cannot be read: \(String(cString: strerror(errno)))"
        case .notARegularFile: "it is not a regular file"
        case .tooLarge: "it is larger than \(CertificateBundle.maximumSize) bytes"
        case .noCertificates: "it has no certificate in PEM (-----BEGIN CERTIFICATE-----)"
        case .foreignBlock(let label, let line):
            "line \(line) begins a '\(label.printable)', and images get certificates only"
        case .unfinishedBlock(let line): "the block that begins on line \(line) does not end"
        case .malformedCertificate(let line): "the block that begins on line \(line) is no certificate"
        }
    }
}

/// The textual encoding of certificates.
///
/// - SeeAlso: RFC 7468
private enum PEM {
    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)
    private static let dashes = Array("-----".utf8)

    /// Counts the certificates of a file, after checking each.
    static func certificateCount(in bytes: [UInt8]) throws(CertificateBundleError) -> Int {
        var count = 0
        var start: Int?
        var base64: [UInt8] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, untrimmed) in zip(1..., lines) {
            let line = trimmed(untrimmed)
            if line.starts(with: begin) {
                if let start { throw .unfinishedBlock(line: start) }
                let label = String(decoding: line.dropFirst(begin.count), as: UTF8.self)
                guard label == "CERTIFICATE-----" else {
                    let name = label.hasSuffix("-----") ? String(label.dropLast(dashes.count)) : label
                    throw .foreignBlock(label: name, line: number)
                }
                start = number
                base64 = []
            } else if let begun = start {
                if line.elementsEqual(end) {
                    guard isStructure(base64) else { throw .malformedCertificate(line: begun) }
                    count += 1
                    start = nil
                } else {
                    base64 += line
                }
            }
        }
        if let start { throw .unfinishedBlock(line: start) }
        return count
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var line = line.drop(while: isSpace)
        while let last = line.last, isSpace(last) { line.removeLast() }
        return line
    }

    /// Whether base64 is that of one DER SEQUENCE, which begins with another, as a certificate does.
    private static func isStructure(_ base64: [UInt8]) -> Bool {
        guard let der = Data(base64Encoded: Data(base64)).map(Array.init), der.count > 8, der[0] == 0x30
        else {
            return false
        }
        // A length of up to 127 in one byte, else behind the number of its bytes.
        let lengthSize = der[1] < 0x80 ? 0 : Int(der[1] & 0x7F)
        guard lengthSize <= 4, der.count > 2 + lengthSize else { return false }
        let length = lengthSize == 0 ? Int(der[1]) : der[2..<2 + lengthSize].reduce(0) { $0 << 8 | Int($1) }
        return der.count == 2 + lengthSize + length && der[2 + lengthSize] == 0x30
    }
}
