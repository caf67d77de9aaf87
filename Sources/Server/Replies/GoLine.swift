/// What is said of a Go program's build in a line, such as `go1.27.3, with 12 modules, for GOAMD64=v3`.
enum GoLine {
    /// The line; nil for a program that names no release of Go.
    static func text(version: String?, moduleCount: Int?, amd64: String?) -> String? {
        guard let version else { return nil }
        let modules = moduleCount.map { $0 == 1 ? ", with 1 module" : ", with \($0) modules" } ?? ""
        return version + modules + (amd64.map { ", for GOAMD64=\($0)" } ?? "")
    }
}
