package aws

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
)

// refusal is an error as AWS names it in its JSON protocol; the query protocol
// has other names for some.
type refusal struct {
	status        int
	code, message string
}

func refuse(status int, code, message string) *refusal { return &refusal{status, code, message} }

func throttled() *refusal {
	return refuse(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
}

// queryCode is the code of the same error in the query protocol (IAM User
// Guide, "Common errors"; AWS General Reference).
func (r *refusal) queryCode() string {
	switch r.code {
	case "InvalidSignatureException":
		return "SignatureDoesNotMatch"
	case "IncompleteSignatureException":
		return "IncompleteSignature"
	case "MissingAuthenticationTokenException":
		return "MissingAuthenticationToken"
	case "UnrecognizedClientException":
		return "InvalidClientTokenId"
	case "AccessDeniedException":
		return "AccessDenied"
	case "ExpiredTokenException":
		return "ExpiredToken"
	}
	return r.code
}

// answer is what goes back.
type answer struct {
	status      int
	contentType string
	body        []byte
	fault       Fault
}

func (a answer) send(w http.ResponseWriter, r *http.Request) {
	switch a.fault {
	case Closed:
		panic(http.ErrAbortHandler) // how net/http is asked to drop a connection
	case Slow:
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.Header().Set("X-Amzn-Requestid", requestID())
	w.WriteHeader(a.status)
	if a.fault == Cut {
		w.Write(a.body[:len(a.body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(a.body) // whoever has gone is none of the server's business
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return jsonRefusal(refuse(http.StatusInternalServerError, "InternalFailure", err.Error()))
	}
	return answer{status: status, contentType: "application/x-amz-json-1.1", body: body}
}

func jsonRefusal(r *refusal) answer {
	return jsonAnswer(r.status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{r.code, r.message})
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

func xmlAnswer(status int, v any) answer {
	body, err := xml.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError, contentType: "text/plain", body: []byte(err.Error())}
	}
	return answer{status: status, contentType: "text/xml", body: body}
}

func queryRefusal(r *refusal) answer {
	type detail struct{ Type, Code, Message string }
	return xmlAnswer(r.status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Namespace: stsNamespace, Error: detail{"Sender", r.queryCode(), r.message}, RequestID: requestID()})
}
