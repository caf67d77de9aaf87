import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Bundles of certificates")
struct CertificateBundleTests {
    private static func parse(_ text: String) throws -> CertificateBundle {
        try CertificateBundle(parsing: Array(text.utf8))
    }

    @Test("A bundle is kept byte for byte, with its number of certificates and digest")
    func bundle() throws {
        let text = "# Roots\n\n" + certificateBundleText(count: 5) + "trailing text"
        let bundle = try Self.parse(text)
        #expect(bundle.certificateCount == 5)
        #expect(bundle.bytes == Array(text.utf8))
        #expect(bundle.digest == Digest(of: Array(text.utf8)))
    }

    @Test("Line ends of any system and indentation are taken")
    func lineEnds() throws {
        let text = certificateBundleText(count: 2)
        #expect(try Self.parse(text.replacing("\n", with: "\r\n")).certificateCount == 2)
        #expect(try Self.parse(text.replacing("\n", with: "  \n  ")).certificateCount == 2)
    }

    @Test("A real certificate passes, also in the machine's own bundle")
    func realCertificates() throws {
        guard let bundle = try CertificateBundle.ofHost() else { return }
        let count = String(decoding: bundle.bytes, as: UTF8.self).split(separator: "\n")
            .count { $0 == "-----BEGIN CERTIFICATE-----" }
        #expect(bundle.certificateCount == count)
        #expect(count > 10)
    }

    private static let certificate = certificateBundleText(count: 1)
    private static let header = "-----BEGIN CERTIFICATE-----\n"

    private static let illegal: [(text: String, error: CertificateBundleError)] = [
        ("", .noCertificates),
        ("hello\n", .noCertificates),
        ("-----END CERTIFICATE-----\n", .noCertificates),
        (certificate + pem("PRIVATE KEY", [0x30, 1, 0]), .foreignBlock(label: "PRIVATE KEY", line: 18)),
        (pem("TRUSTED CERTIFICATE", [0x30, 1, 0]), .foreignBlock(label: "TRUSTED CERTIFICATE", line: 1)),
        ("-----BEGIN CERTIFICATE", .foreignBlock(label: "CERTIFICATE", line: 1)),
        (header, .unfinishedBlock(line: 1)),
        ("x\n" + header + certificate, .unfinishedBlock(line: 2)),
        (String(certificate.dropLast(30)), .unfinishedBlock(line: 1)),
        (header + "-----END CERTIFICATE-----\n", .malformedCertificate(line: 1)),
        (header + "not base64!\n-----END CERTIFICATE-----\n", .malformedCertificate(line: 1)),
        (pem("CERTIFICATE", []), .malformedCertificate(line: 1)),
        (pem("CERTIFICATE", [0x30]), .malformedCertificate(line: 1)),
        (pem("CERTIFICATE", Array("just some text here".utf8)), .malformedCertificate(line: 1)),
        (pem("CERTIFICATE", [0x30, 0x09, 0x30, 0, 0, 0, 0, 0, 0, 0]), .malformedCertificate(line: 1)),
        (
            pem("CERTIFICATE", [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0, 0]),
            .malformedCertificate(line: 1)
        ),
        (
            pem("CERTIFICATE", [0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x30, 0, 0]),
            .malformedCertificate(line: 1)
        ),
        (pem("CERTIFICATE", [0x30, 0x07, 0x02, 0, 0, 0, 0, 0, 0]), .malformedCertificate(line: 1)),
    ]

    @Test("Anything else is an error that names the line", arguments: illegal)
    func malformed(text: String, error: CertificateBundleError) {
        let found = #expect(throws: error) { try Self.parse(text) }
        #expect(found?.description.contains("\n") == false)
    }

    @Test("A bundle of more than 8 MiB is an error")
    func tooLarge() {
        let bytes = [UInt8](repeating: 0x0A, count: Int(CertificateBundle.maximumSize) + 1)
        #expect(throws: CertificateBundleError.tooLarge) { try CertificateBundle(parsing: bytes) }
    }

    @Test("The host's bundle is the first that is there, and an error when that is none")
    func search() throws {
        try withTemporaryDirectory { directory in
            let paths = ["missing", "bundle.pem", "other.pem"].map { directory.appending(path: $0).path }
            #expect(try CertificateBundle.ofHost(searching: paths) == nil)
            try Data(certificateBundleText(count: 2).utf8).write(to: URL(filePath: paths[2]))
            #expect(try CertificateBundle.ofHost(searching: paths)?.certificateCount == 2)
            try Data("nothing".utf8).write(to: URL(filePath: paths[1]))
            #expect(throws: CertificateBundleError.noCertificates) {
                try CertificateBundle.ofHost(searching: paths)
            }
            #expect(throws: CertificateBundleError.notARegularFile) {
                try CertificateBundle(contentsOfFile: directory.path)
            }
            #expect(throws: CertificateBundleError.unreadable(errno: ENOENT)) {
                try CertificateBundle(contentsOfFile: paths[0])
            }
        }
    }
}
